import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

@Suite("Streams of values")
struct ValueStreamTests {
  @Test("A stream is stored byte for byte as it is written where nothing can be stored into")
  func sameBytes() throws {
    let unstored = SimulatedFileSystem(warmBytes: 0)
    let written = try Self.stream(in: try unstored.openDirectory(at: "store", create: true))
    #expect(written.count > 12 << 20)
    for kind in FileSystemKind.allCases {
      let stored = try kind.withDirectory { directory, _, _ in try Self.stream(in: directory) }
      let isSame = stored == written
      #expect(isSame, "\(kind)")
    }
  }

  /// The bytes of a file that took small and large values, with syncs between some of them.
  private static func stream(in directory: any Directory) throws -> [UInt8] {
    var random = SeededRandom(seed: 0x5eed_3101)
    let writer = try ValueFileWriter(number: 9, id: ValueFixture.id, in: directory)
    for index in 0..<4000 {
      let count = index % 1000 == 700 ? 300_000 : index % 500 == 9 ? 70_000 : random.below(6000)
      _ = try writer.append(random.bytes(count), alignmentShift: UInt8(3 + random.below(4)))
      if index == 1500 || index > 3300 && index % 100 == 0 { try writer.sync() }
    }
    let record = try writer.seal()
    let buffer = AlignedBuffer(capacity: Int(record.size))
    let file = try directory.open("values-0000000000000009")
    #expect(try file.read(into: buffer, count: Int(record.size), at: 0) == Int(record.size))
    return buffer.view().array
  }

  @Test("Threads that store beside one that syncs lose nothing", arguments: FileSystemKind.allCases)
  func threads(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      let writer = try ValueFileWriter(number: 9, id: ValueFixture.id, in: directory)
      let pointers = Monitor<[(ValuePointer, UInt8)]>([])
      let workers = try (0..<3).map { index in
        try WorkerThread(name: "writer \(index)") {
          var random = SeededRandom(seed: 0x5eed_3102 + UInt64(index))
          for round in 0..<1500 {
            let byte = UInt8(truncatingIfNeeded: round &* 3 &+ index)
            let value = [UInt8](repeating: byte, count: 512 + random.below(4000))
            guard let pointer = try? writer.append(value) else {
              Issue.record("round \(round) of thread \(index)")
              continue
            }
            pointers.withLock { $0.append((pointer, byte)) }
          }
        }
      }
      for _ in 0..<3 { try writer.sync() }
      for worker in workers { worker.join() }
      let reader = ValueFileReader(try writer.seal(), in: ValueFixture.environment(directory))
      #expect(try ValueFixture.findings(reader).isEmpty)
      for (pointer, byte) in pointers.withLock({ $0 }) {
        let isRight = try reader.bytes(for: pointer).allSatisfy { $0 == byte }
        #expect(isRight)
      }
    }
  }

  @Test(
    "Only a stream is stored into: after a sync values are written again",
    arguments: FileSystemKind.allCases)
  func whenItIsStored(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      let probe = try directory.create("probe")
      let range = 0..<probe.warmBytes
      let canStore = try probe.warmed(range) != nil
      #expect(canStore || kind != .simulated)
      let writer = try ValueFileWriter(number: 9, id: ValueFixture.id, in: directory)
      let value = [UInt8](repeating: 7, count: range.count / 20)
      func append(halves: Int) throws {
        for _ in 0..<halves * 10 { _ = try writer.append(value) }
      }
      var isWarm: Bool { writer.state.withLock { $0.warm != nil } }
      try append(halves: 1)
      #expect(!isWarm)
      try append(halves: 4)
      #expect(isWarm == canStore)
      try writer.sync()
      #expect(!isWarm)
      try append(halves: 2)
      #expect(!isWarm)
      try append(halves: 4)
      #expect(isWarm == canStore)
    }
  }

  @Test("What a crash leaves of a stream is read by its pointers")
  func leftover() throws {
    try FileSystemKind.posix.withDirectory { directory, _, _ in
      var pointers: [(ValuePointer, [UInt8])] = []
      var random = SeededRandom(seed: 0x5eed_3103)
      let writer = try ValueFileWriter(number: 9, id: ValueFixture.id, in: directory)
      for _ in 0..<2000 {
        let value = random.bytes(2000 + random.below(1000))
        pointers.append((try writer.append(value), value))
      }
      let reader = ValueFileReader(leftover: 9, in: ValueFixture.environment(directory))
      for (pointer, value) in pointers {
        let isRight = try reader.bytes(for: pointer) == value
        #expect(isRight)
      }
      withExtendedLifetime(writer) {}
    }
  }
}
