import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// What came of a store whose files are not what was written.
enum SweepVerdict: String, CaseIterable, Sendable {
  /// Opening refused, naming file and offset.
  case atOpen = "detected at open"
  /// Some read threw, naming file and offset; whatever else was returned was right.
  case atRead = "detected at read"
  /// All reads were right, and the verifier named file and offset.
  case byVerifier = "detected by the verifier"
  /// A crashed store opened with what a crash may leave, above the last watermark.
  case tail = "legal torn tail"
  // None of these may happen.
  case nameless = "an error without file or offset"
  case wrong = "wrong data"
  case absent = "a key that is there was reported absent"
  case undetected = "undetected"

  var isLegal: Bool { [.atOpen, .atRead, .byVerifier, .tail].contains(self) }
}

/// Opens, reads in every way, verifies.
struct SweepJudge {
  let store: SweptStore
  let file: String

  func judge(_ mutated: [UInt8], isCut: Bool) throws -> SweepVerdict {
    let image = store.disk.crashImage(.everything)
    try image.place(mutated, at: "store/\(file)")
    let opened: SegmentStore
    do { opened = try CrashWorkload.open(image) } catch {
      return Self.verdict(of: error, .atOpen)
    }
    defer { try? opened.close() }
    var reading = Reading()
    let isLog = file.hasPrefix("log-")
    try reading.readAll(of: opened, allowing: isCut && isLog ? store.history : store.states)
    if let verdict = reading.verdict { return verdict }
    let isNewest = reading.content == store.states.last
    guard store.end == .closed else {
      return isNewest ? try verified(mutated, .tail) : .tail
    }
    return try verified(mutated, .undetected)
  }

  /// What the verifier has to say to files that no opening touched.
  private func verified(_ mutated: [UInt8], _ otherwise: SweepVerdict) throws -> SweepVerdict {
    let image = store.disk.crashImage(.everything)
    try image.place(mutated, at: "store/\(file)")
    var found: [IntegrityFinding] = []
    try StoreVerifier(at: "store", on: image).run(.deep) { found.append($0) }
    let damage = found.filter { $0.severity == .damage }
    if damage.isEmpty { return found.isEmpty ? .undetected : otherwise }
    return damage.contains { $0.offset != nil } ? .byVerifier : .nameless
  }

  static func verdict(of error: any Error, _ detected: SweepVerdict) -> SweepVerdict {
    guard let error = error as? StoreError, error.file != nil else { return .nameless }
    // A file that is not there has no place in it.
    let isPlaced = error.offset != nil || error.code == .incompatible
    return isPlaced ? detected : .nameless
  }
}

/// Everything that a store returns, held against what may be in it.
private struct Reading {
  var content: SweptStore.Content = [:]
  var verdict: SweepVerdict?

  private mutating func note(_ found: SweepVerdict) {
    // The worst counts.
    let order = SweepVerdict.allCases
    guard let verdict, let before = order.firstIndex(of: verdict),
      let now = order.firstIndex(of: found), now <= before
    else { return verdict = found }
  }

  mutating func readAll(of store: SegmentStore, allowing states: [SweptStore.Content]) throws {
    for keyspace in store.keyspaces {
      content[keyspace.name] = scan(keyspace, .ascending)
      let backward = scan(keyspace, .descending)
      if verdict == nil, backward != content[keyspace.name] { note(.wrong) }
    }
    if verdict == nil, !states.contains(content) {
      return note(Self.lacks(content, states[states.count - 1]) ? .absent : .wrong)
    }
    // A scan that threw has shown only a part: then every state that may be there counts.
    try readSingly(store, allowing: verdict == nil ? [content] : states)
  }

  private mutating func scan(_ keyspace: Keyspace, _ order: ScanOrder) -> [[UInt8]: [UInt8]] {
    var found: [[UInt8]: [UInt8]] = [:]
    do {
      try keyspace.forEach(order: order) { found[[UInt8](copying: $0)] = [UInt8](copying: $1) }
    } catch {
      note(SweepJudge.verdict(of: error, .atRead))
    }
    return found
  }

  private mutating func readSingly(
    _ store: SegmentStore, allowing states: [SweptStore.Content]
  ) throws {
    for (name, entries) in states[states.count - 1] {
      let keyspace = try store.keyspace(name)
      for key in entries.keys + [Array("no such key".utf8)] {
        do {
          let found = try keyspace.value(for: key)
          if states.contains(where: { $0[name]?[key] == found }) { continue }
          note(found == nil ? .absent : .wrong)
        } catch {
          note(SweepJudge.verdict(of: error, .atRead))
        }
      }
    }
  }

  /// Whether what is wrong is that something is missing.
  private static func lacks(_ found: SweptStore.Content, _ expected: SweptStore.Content) -> Bool {
    expected.contains { name, entries in
      entries.contains { found[name]?[$0.key] == nil }
    }
  }
}
