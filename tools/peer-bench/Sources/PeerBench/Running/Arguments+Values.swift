/// What stands behind options.
extension Arguments {
  static func count(_ text: String, _ option: String) throws -> Int {
    guard let count = Int(text), count > 0 else {
      throw wrong("\(option): \(text) is no number above zero")
    }
    return count
  }

  static func scale(_ text: String) throws -> Double {
    guard let scale = Double(text), scale > 0, scale <= 10 else {
      throw wrong("--scale: \(text) is no number above 0 and up to 10")
    }
    return scale
  }

  static func sizes(_ list: String) throws -> [Int] {
    let sizes = try list.split(separator: ",", omittingEmptySubsequences: false).map { text in
      try size(String(text))
    }
    guard Set(sizes).count == sizes.count else { throw wrong("--sizes: one is there twice") }
    return sizes.sorted()
  }

  /// `1000000`, `1000k` or `1M`.
  private static func size(_ text: String) throws -> Int {
    let units: [Character: Double] = ["k": 1e3, "K": 1e3, "m": 1e6, "M": 1e6]
    let unit = text.last.flatMap { units[$0] }
    guard let number = Double(unit == nil ? text : String(text.dropLast())) else {
      throw wrong("--sizes: \(text) is no number of entries, as 500k or 10M are")
    }
    let size = number * (unit ?? 1)
    guard size >= 1000, size <= 1e12 else { throw wrong("--sizes: from 1k on, not \(text)") }
    return Int(size)
  }

  static func passes(_ name: String) throws -> [CompressionPass] {
    if name == "both" { return CompressionPass.allCases }
    guard let pass = CompressionPass(rawValue: name) else {
      throw wrong("--compression is none, default or both, not \(name)")
    }
    return [pass]
  }

  static func peers(_ list: String) throws -> [any Peer.Type] {
    let engines = allPeers.filter { !$0.traits.isReference }
    let named = try list.split(separator: ",").map { name in
      let name = name.lowercased().filter { $0 != " " }
      guard let peer = engines.first(where: { $0.name.lowercased() == name }) else {
        throw wrong("--engines: there is no engine \(name)")
      }
      return peer
    }
    guard !named.isEmpty, Set(named.map { $0.name }).count == named.count else {
      throw wrong("--engines names each engine once")
    }
    return named + allPeers.filter { $0.traits.isReference }
  }

  static func wrong(_ text: String) -> PeerFailure {
    PeerFailure(description: "\(text) (--help lists the options)")
  }
}
