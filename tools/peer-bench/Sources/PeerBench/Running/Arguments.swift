import Foundation

/// What the command line asks for.
struct Arguments {
  enum Command: String {
    /// The lines, engine beside engine: what is done where no command is named.
    case lines
    case scaling, report
  }

  var command = Command.lines
  /// As they were written.
  let words: [String]
  var rounds = 3
  var longRounds = 1
  var scale = 1.0
  /// For workloads that take minutes.
  var longScale: Double?
  var mostTurns = Int.max
  var only: [String] = []
  var except: [String] = []
  /// Whether lines that are held to nothing are left out.
  var onlyGoals = false
  var peers = allPeers
  var passes = CompressionPass.allCases
  var files: String?
  var directory = "/tmp"
  var json: String?
  var plot = "peer-bench.svg"
  var sizes = [1_000_000, 10_000_000]
  /// Files to report.
  var records: [String] = []
  var wantsHelp = false
  var wantsList = false

  init(_ words: [String]) throws {
    self.words = words
    wantsHelp = words.contains("--help") || words.contains("-h")
    let named = wantsHelp ? words.compactMap(Command.init).first : words.first.flatMap(Command.init)
    command = named ?? .lines
    if wantsHelp { return }
    var rest = words.dropFirst(named == nil ? 0 : 1)
    // What is said beside it holds, wherever it stands.
    if rest.contains("--quick") { beQuick() }
    while let word = rest.popFirst() { try take(word, from: &rest) }
    try check()
  }

  private mutating func beQuick() {
    (rounds, scale, passes, longScale, mostTurns) = (1, 0.05, [.none], 0.01, 2)
    // The same engine twice shows little at a first look.
    peers.removeAll { $0.name == LMDBMapPeer.name }
    sizes = [100_000, 300_000]
  }

  private mutating func take(_ option: String, from words: inout ArraySlice<String>) throws {
    guard option.hasPrefix("-") else {
      guard command == .report else { throw Self.wrong("\(option) is no option") }
      return records.append(option)
    }
    guard Self.options(command).contains(option) else {
      let others: [Command] = [.lines, .scaling, .report]
      let isKnown = others.contains { Self.options($0).contains(option) }
      throw Self.wrong(
        isKnown ? "\(option) does not go with \(command)" : "there is no option \(option)")
    }
    if try takeFlag(option) { return }
    guard let value = words.popFirst(), !value.isEmpty, !value.hasPrefix("--") else {
      throw Self.wrong("\(option) needs a value")
    }
    try take(option, value)
  }

  private static func options(_ command: Command) -> Set<String> {
    switch command {
    case .lines:
      [
        "--quick", "--rounds", "--long-rounds", "--scale", "--only", "--except", "--goals",
        "--engines", "--compression", "--data", "--dir", "--json", "--plot", "--list",
      ]
    case .scaling:
      ["--quick", "--rounds", "--sizes", "--engines", "--dir", "--json", "--plot"]
    case .report: ["--json", "--plot"]
    }
  }

  private mutating func takeFlag(_ option: String) throws -> Bool {
    switch option {
    case "--quick": break
    case "--goals": onlyGoals = true
    case "--list": wantsList = true
    default: return false
    }
    return true
  }

  private mutating func take(_ option: String, _ value: String) throws {
    switch option {
    case "--rounds": rounds = try Self.count(value, option)
    case "--long-rounds": longRounds = try Self.count(value, option)
    case "--scale": scale = try Self.scale(value)
    case "--only": only += try Self.names(value, option)
    case "--except": except += try Self.names(value, option)
    case "--engines": peers = try Self.peers(value)
    case "--compression": passes = try Self.passes(value)
    case "--data": files = value
    case "--dir": directory = value
    case "--json": json = value
    case "--plot": plot = value
    default: sizes = try Self.sizes(value)
    }
  }
}
