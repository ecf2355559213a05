import class Foundation.FileManager
import struct Foundation.UUID
import func Foundation.NSTemporaryDirectory
import Testing

@testable import PeerBench

/// Every engine behind the common face answers as an ordered map does.
@Suite struct PeerTests {
  static let engines = allPeers.filter { !$0.traits.isReference }.map { $0.name }

  @Test(arguments: engines, CompressionPass.allCases)
  func answersAsAMapDoes(_ name: String, _ pass: CompressionPass) throws {
    var settings = PeerSettings()
    settings.compression = pass
    try withPeer(name, settings) { try check($0) }
  }

  /// Rows of SQLite are laid out otherwise then.
  @Test(arguments: engines)
  func answersAsAMapDoesWithLargeValues(_ name: String) throws {
    var settings = PeerSettings()
    settings.valueBytes = 3 << 10
    try withPeer(name, settings) { try check($0) }
  }

  @Test(arguments: engines)
  func importsInBulk(_ name: String) throws {
    try withPeer(name, PeerSettings()) { peer in
      func check<P: Peer>(_ peer: P) throws {
        let session = try peer.session()
        defer { session.close() }
        try session.bulkImport(puts(0..<5000))
        var tally = Tally()
        try session.scan(Scan(), into: &tally)
        #expect(tally == expected(0..<5000))
      }
      try check(peer)
    }
  }

  private let arena = ByteArena()
  private let data = Dataset(count: 5000, valueBytes: 100)

  private func check<P: Peer>(_ peer: P) throws {
    let session = try peer.session()
    defer { session.close() }
    let all = puts(0..<3000)
    for put in all.prefix(1000) { try session.put(put.key, put.value) }
    try session.put(all[1000...])
    for index in stride(from: 0, to: 3000, by: 3) { try session.delete(all[index].key) }
    let left = (0..<3000).filter { !$0.isMultiple(of: 3) }
    try checkPoints(session, left)
    try checkScans(session, left)
    try peer.settle()
    try checkPoints(session, left)
    try checkScans(session, left)
  }

  private func checkPoints(_ session: some PeerSession, _ left: [Int]) throws {
    let keys = [1, 2, 3, 2999, 2998, 0].map {
      Operation(kind: .get, key: data.placeKey($0, in: arena))
    }
    let there = [1, 2, 2999, 2998]
    var wanted = Tally()
    for index in there { wanted.add(data.placeValue(index, in: arena)) }
    var (single, group) = (Tally(), Tally())
    for key in keys { try session.get(key.key, into: &single) }
    try session.get(keys[...], into: &group)
    try session.get(data.placeAbsentKey(1, in: arena), into: &single)
    #expect(single == wanted)
    #expect(group == wanted)
  }

  private func checkScans(_ session: some PeerSession, _ left: [Int]) throws {
    func found(_ scan: Scan) throws -> Tally {
      var tally = Tally()
      try session.scan(scan, into: &tally)
      return tally
    }
    let key = { data.placeKey($0, in: arena) }
    #expect(try found(Scan()) == expected(left))
    #expect(try found(Scan(isBackward: true)) == expected(left.reversed()))
    #expect(try found(Scan(start: key(4), limit: 5)) == expected([4, 5, 7, 8, 10]))
    #expect(try found(Scan(start: key(3), limit: 2)) == expected([4, 5]))
    #expect(try found(Scan(start: key(3), limit: 2, isBackward: true)) == expected([2, 1]))
    #expect(try found(Scan(start: key(4), limit: 2, isBackward: true)) == expected([4, 2]))
    #expect(
      try found(Scan(start: key(4000), limit: 2, isBackward: true)) == expected([2999, 2998]))
    let prefix = Bytes(rebasing: key(120).dropLast(2))
    #expect(
      try found(Scan(start: prefix, isPrefix: true))
        == expected(left.filter { 100..<150 ~= $0 }))
  }

  private func puts(_ indices: Range<Int>) -> [Operation] {
    indices.map {
      Operation(
        kind: .put, key: data.placeKey($0, in: arena), value: data.placeValue($0, in: arena))
    }
  }

  private func expected(_ indices: some Sequence<Int>) -> Tally {
    var tally = Tally()
    for index in indices {
      tally.add(data.placeKey(index, in: arena))
      tally.add(data.placeValue(index, in: arena))
    }
    return tally
  }

  private func withPeer(
    _ name: String, _ settings: PeerSettings, _ body: (any Peer) throws -> Void
  ) throws {
    let directory = NSTemporaryDirectory() + "peer-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let type = try #require(allPeers.first { $0.name == name })
    let peer = try type.init(in: directory, settings)
    try body(peer)
    try peer.close()
  }
}
