import Testing
import VarveFormat
import VarveObjects
import VarvePlatform
import VarveTestSupport

@testable import Varve
@testable import VarveS3

/// Content that reads otherwise than before: what its name and the manifest say of it is not what would be put.
extension UploadTests {
  private static let count = 33 << 20
  /// Of parts of 16 MiB and the last one of 1 MiB.
  private static let bytes = pattern(count)
  private static let sum = bytes.withByteView(CRC32C.checksum(of:))

  /// Which part has another bit, and from its how-many-eth reading on.
  struct Change: Sendable {
    var part: Int
    var reading: Int
  }

  /// The bytes, except for a change.
  private static func content(_ sum: UInt32?, _ change: Change? = nil) -> ObjectContent {
    let readings = Monitor<[UInt64: Int]>([:])
    return ObjectContent(count: UInt64(count), crc32c: sum) { range throws(ObjectStoreError) in
      let nth = readings.withLock { readings in
        readings[range.lowerBound, default: 0] += 1
        return readings[range.lowerBound] ?? 0
      }
      var bytes = Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)])
      if let change, range.lowerBound == UInt64(change.part - 1) << 24, nth >= change.reading {
        bytes[0] ^= 4
      }
      return bytes
    }
  }

  private func outcome(
    of content: ObjectContent, _ server: Server, fails: Bool = false, checksums: Bool = false
  ) throws -> (code: ObjectStoreError.Code?, completions: Int, aborts: Int) {
    let transport = server.transport(part: { number, nth in
      fails && number == 2 && nth == 1 ? .error(500, "InternalError") : nil
    })
    let code = try put(transport, content) { options in
      options.profile = checksums ? .aws : .minio
      options.singlePutBytes = 1 << 20
    }
    return server.state.withLock { (code, $0.completions, $0.aborts) }
  }

  @Test(arguments: [false, true])
  func whatIsAsItWasIsPut(_ checksums: Bool) throws {
    for sum in [Self.sum, nil] {
      let outcome = try outcome(of: Self.content(sum), Server(), fails: true, checksums: checksums)
      #expect(outcome == (nil, 1, 0))
    }
  }

  /// A bit that changed after the digest of the whole was taken, before a part is read for its own.
  @Test(arguments: 1...3, [false, true])
  func partsThatAreNotWhatWasReadBeforeAreGivenUp(_ part: Int, _ checksums: Bool) throws {
    let content = Self.content(Self.sum, Change(part: part, reading: 1))
    #expect(try outcome(of: content, Server(), checksums: checksums) == (.damaged, 0, 1))
  }

  /// A bit that changes while the part is on its way, which not every server compares with its digest.
  @Test(arguments: 1...3, [false, true])
  func aPartThatChangesOnItsWayIsGivenUp(_ part: Int, _ isKnown: Bool) throws {
    let content = Self.content(isKnown ? Self.sum : nil, Change(part: part, reading: 2))
    #expect(try outcome(of: content, Server()) == (.damaged, 0, 1))
  }

  @Test func aPartThatChangesBetweenTwoTriesIsGivenUp() throws {
    for (fails, expected) in [(false, (nil, 1, 0)), (true, (.damaged, 0, 1))]
      as [(Bool, (ObjectStoreError.Code?, Int, Int))]
    {
      // Read for its sums, and for each try.
      let content = Self.content(Self.sum, Change(part: 2, reading: 3))
      #expect(try outcome(of: content, Server(), fails: fails) == expected)
    }
  }

  /// A bit of a store's file flips after its digest was taken.
  @Test(arguments: [false, true])
  func aFileThatChangesIsGivenUp(_ changes: Bool) throws {
    try withTemporaryDirectory { path in
      let directory = try PosixFileSystem().openDirectory(at: path, create: false)
      let local = LocalFile(
        kind: .values, number: 5, id: FileID(low: 1, high: 2), size: UInt64(Self.count))
      let file = try directory.create(local.name.description)
      try Self.bytes.withByteView { view throws(FileSystemError) in try file.write(view, at: 0) }
      let content = try FileContent(local, in: directory)
      let digest = try content.digest()
      if changes { try [UInt8(0)].withByteView { try file.write($0, at: 20 << 20) } }
      let sent = content.content(digest: digest)
      #expect(sent.crc32c == Self.sum)
      #expect(try outcome(of: sent, Server()) == (changes ? (.damaged, 0, 1) : (nil, 1, 0)))
      try file.close()
    }
  }
}
