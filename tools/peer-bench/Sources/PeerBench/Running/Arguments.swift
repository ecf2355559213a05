import Foundation

/// What the command line asks for.
struct Arguments {
  var rounds = 3
  var longRounds = 1
  var scale = 1.0
  /// For workloads that take minutes.
  var longScale: Double?
  var mostTurns = Int.max
  var only: [String] = []
  /// Whether lines that are held to nothing are left out.
  var onlyGoals = false
  var peers = allPeers
  var passes = CompressionPass.allCases
  var files: String?
  var directory = "/tmp"
  var json: String?
  var plot = "peer-bench.svg"
  var sizes = [1_000_000, 10_000_000]
  var wantsHelp = false
  /// Whether the costs as the store grows are asked for, in the place of the lines.
  var isScaling = false

  init(_ words: [String]) throws {
    var words = words[...]
    if words.first == "scaling" {
      isScaling = true
      words.removeFirst()
    }
    while let option = words.popFirst() { try take(option, from: &words) }
    try check()
  }

  /// What would end a run of hours after hours is said before it begins.
  private func check() throws {
    guard rounds > 0, longRounds > 0, scale > 0, sizes.allSatisfy({ $0 > 0 }) else {
      throw Self.wrong("rounds, scale and sizes are above zero")
    }
    guard !workloads.isEmpty else { throw Self.wrong("there is no such line") }
    let files = FileManager.default
    if let data = self.files {
      for name in DataKind.fileNames where !files.isReadableFile(atPath: "\(data)/\(name)") {
        throw Self.wrong("--data: there is no \(data)/\(name)")
      }
    }
    for path in [directory] + [json, plot].compactMap({ $0 }).map(Self.folder) {
      guard files.isWritableFile(atPath: path) else {
        throw Self.wrong("\(path) is no directory to write to")
      }
    }
  }

  private static func folder(_ path: String) -> String {
    let folder = (path as NSString).deletingLastPathComponent
    return folder.isEmpty ? "." : folder
  }

  private mutating func take(_ option: String, from words: inout ArraySlice<String>) throws {
    func value() throws -> String {
      guard let value = words.popFirst() else { throw Self.wrong("\(option) needs a value") }
      return value
    }
    switch option {
    case "--rounds": rounds = try Self.number(try value(), option)
    case "--long-rounds": longRounds = try Self.number(try value(), option)
    case "--scale": scale = try Self.number(try value(), option)
    case "--quick":
      (rounds, scale, passes, longScale, mostTurns) = (1, 0.05, [.none], 0.02, 3)
    case "--only": only = Self.names(try value())
    case "--goals": onlyGoals = true
    case "--engines": peers = try Self.peers(try value())
    case "--compression": passes = try Self.passes(try value())
    case "--data": files = try value()
    case "--dir": directory = try value()
    case "--json": json = try value()
    case "--plot": plot = try value()
    case "--sizes": sizes = try value().split(separator: ",").map { try Self.size(String($0)) }
    case "--help", "-h": wantsHelp = true
    default: throw Self.wrong("unknown option \(option)")
    }
  }

  /// The workloads to run.
  var workloads: [Workload] {
    allWorkloads.filter { workload in
      (only.isEmpty || only.contains { Self.picks($0, workload.name) })
        && (!workload.data.isReal || files != nil)
        && (!onlyGoals || workload.figures.contains { !$0.goals.isEmpty })
    }
  }

  /// The whole name of a line stands for that line alone.
  private static func picks(_ text: String, _ name: String) -> Bool {
    allWorkloads.contains { $0.name == text } ? name == text : name.contains(text)
  }
}

// MARK: - Values

extension Arguments {
  func scale(of workload: Workload) -> Double {
    workload.isLong ? longScale ?? scale : scale
  }

  /// Names of lines have commas of their own, with a space behind them.
  private static func names(_ list: String) -> [String] {
    list.split(separator: /,(?! )/).map(String.init)
  }

  private static func number<Number: LosslessStringConvertible>(
    _ text: String, _ option: String
  ) throws -> Number {
    guard let number = Number(text) else { throw wrong("\(option): \(text) is not a number") }
    return number
  }

  private static func size(_ text: String) throws -> Int {
    let isMillions = text.hasSuffix("M")
    let number: Int = try number(isMillions ? String(text.dropLast()) : text, "--sizes")
    return isMillions ? number * 1_000_000 : number
  }

  private static func passes(_ name: String) throws -> [CompressionPass] {
    if name == "both" { return CompressionPass.allCases }
    guard let pass = CompressionPass(rawValue: name) else {
      throw wrong("--compression is none, default or both")
    }
    return [pass]
  }

  private static func peers(_ names: String) throws -> [any Peer.Type] {
    let named = try names.split(separator: ",").map { name in
      guard let peer = allPeers.first(where: { $0.name.lowercased() == name.lowercased() }) else {
        throw wrong("there is no engine \(name)")
      }
      return peer
    }
    return named + allPeers.filter { $0.traits.isReference }
  }

  private static func wrong(_ text: String) -> PeerFailure {
    PeerFailure(description: "\(text); --help lists the options")
  }
}
