/// What the command line asks for.
struct Arguments {
  static let help = """
    usage: peer-bench [--rounds N] [--scale X] [--quick] [--only TEXT] [--engines A,B]
                      [--embeddings FILE.f32] [--dir DIRECTORY] [--json FILE]

    Fill, read and scan: Varve beside RocksDB and LMDB. Higher is better; the last column is Varve's
    rate to the best of the others, and carries a mark below a third.

      --rounds N         times that every line is run by each engine, or ten times that; medians are
                         shown (3)
      --scale X          share of the full size: 1 is 1,000,000 small and 200,000 large records (1)
      --quick            one round at a twentieth
      --only TEXT        lines whose name contains TEXT
      --engines A,B      of varve, rocksdb, lmdb; the first is compared with the rest
      --embeddings FILE  adds lines with real vectors; FILE's name with .keys holds their keys
      --dir DIRECTORY    where a fresh directory for the stores is made (/tmp)
      --json FILE        every rate of every round
    """

  var rounds = 3
  var scale = 1.0
  var only = ""
  var peers = allPeers
  var embeddings: String?
  var directory = "/tmp"
  var json: String?
  var wantsHelp = false

  init(_ words: [String]) throws {
    var words = words[...]
    while let option = words.popFirst() {
      func value() throws -> String {
        guard let value = words.popFirst() else { throw Self.wrong("\(option) needs a value") }
        return value
      }
      switch option {
      case "--rounds": rounds = try Self.number(try value(), option)
      case "--scale": scale = try Self.number(try value(), option)
      case "--quick": (rounds, scale) = (1, 0.05)
      case "--only": only = try value()
      case "--engines": peers = try Self.peers(try value())
      case "--embeddings": embeddings = try value()
      case "--dir": directory = try value()
      case "--json": json = try value()
      case "--help", "-h": wantsHelp = true
      default: throw Self.wrong("unknown option \(option)")
      }
    }
    guard rounds > 0, scale > 0 else { throw Self.wrong("rounds and scale are above zero") }
  }

  /// The lines to run.
  var workloads: [Workload] {
    allWorkloads.filter { workload in
      (only.isEmpty || workload.name.contains(only))
        && (workload.data != .embeddings || embeddings != nil)
    }
  }

  private static func number<Number: LosslessStringConvertible>(
    _ text: String, _ option: String
  ) throws -> Number {
    guard let number = Number(text) else { throw wrong("\(option): \(text) is not a number") }
    return number
  }

  private static func peers(_ names: String) throws -> [any Peer.Type] {
    try names.split(separator: ",").map { name in
      guard let peer = allPeers.first(where: { $0.name.lowercased() == name.lowercased() }) else {
        throw wrong("there is no engine \(name)")
      }
      return peer
    }
  }

  private static func wrong(_ text: String) -> PeerFailure { PeerFailure(description: text) }
}
