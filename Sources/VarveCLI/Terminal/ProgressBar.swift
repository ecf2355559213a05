/// How far a long job is, as text; pure, so that tests can look at it.
///
/// ```
/// [#########-----------]  46%  1,204,000 entries  151.0 k/s  86.1 MiB/s  0:07 left
/// ```
struct ProgressBar {
  /// What is done so far.
  struct State {
    /// Nil where a job is not one of entries: then its bytes are told.
    var entries: UInt64? = 0
    /// Nil where nobody counts them.
    var files: UInt64?
    var bytes: UInt64 = 0
    /// All there is to do; nil where nobody knows, as with a pipe.
    var totalBytes: UInt64?
    var seconds = 0.0
  }

  /// The line for a terminal, at most `width` columns: what does not fit is left out from the end.
  static func line(_ state: State, width: Int) -> String {
    var parts: [String] = []
    if let share = share(state) {
      parts.append(bar(share, cells: 20))
      let percent = String(Int(share * 100))
      parts.append(String(repeating: " ", count: 3 - percent.count) + percent + "%")
    }
    parts += figures(state)
    if let left = remaining(state) { parts.append("\(left) left") }
    return fit(parts, width)
  }

  /// The line for a log: the same figures, no drawing.
  static func plain(_ state: State) -> String {
    var parts = figures(state)
    if let share = share(state) { parts.append("\(Int(share * 100))%") }
    if let left = remaining(state) { parts.append("\(left) left") }
    return parts.joined(separator: ", ")
  }

  /// The line for the end.
  static func summary(_ state: State) -> String {
    let rates = rates(state).joined(separator: ", ")
    let bytes = state.entries == nil ? [] : [Quantity.bytes(state.bytes)]
    return (counts(state) + bytes).joined(separator: ", ")
      + " in \(Quantity.duration(state.seconds))" + (rates.isEmpty ? "" : " (\(rates))")
  }

  private static func figures(_ state: State) -> [String] { counts(state) + rates(state) }

  private static func counts(_ state: State) -> [String] {
    if let entries = state.entries { return [Quantity.count(entries, "entry", "entries")] }
    let files = state.files.map { [Quantity.count($0, "file", "files")] } ?? []
    return files + [Quantity.bytes(state.bytes)]
  }

  private static func rates(_ state: State) -> [String] {
    guard state.seconds > 0 else { return [] }
    let entries = state.entries.map {
      ["\(Quantity.compact(Double($0) / state.seconds))/s"]
    }
    let bytes = "\(Quantity.bytes(UInt64(min(Double(state.bytes) / state.seconds, 1e18))))/s"
    return (entries ?? []) + [bytes]
  }

  /// From 0 to 1.
  private static func share(_ state: State) -> Double? {
    guard let total = state.totalBytes, total > 0 else { return nil }
    return min(1, Double(state.bytes) / Double(total))
  }

  /// Time left at the speed so far; nothing in the first half second, when it would only jump.
  private static func remaining(_ state: State) -> String? {
    guard let share = share(state), share > 0, share < 1, state.seconds >= 0.5 else { return nil }
    return Quantity.duration(state.seconds * (1 - share) / share)
  }

  private static func bar(_ share: Double, cells: Int) -> String {
    let full = Int(share * Double(cells))
    let done = String(repeating: "#", count: full)
    return "[\(done)\(String(repeating: "-", count: cells - full))]"
  }

  private static func fit(_ parts: [String], _ width: Int) -> String {
    var line = ""
    for part in parts {
      let longer = line.isEmpty ? part : "\(line)  \(part)"
      guard longer.count <= width else { break }
      line = longer
    }
    return line
  }
}
