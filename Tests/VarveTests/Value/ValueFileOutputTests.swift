import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

/// Value files that one thread writes from end to end.
@Suite struct ValueFileOutputTests {
  private static func values() -> [[UInt8]] {
    var random = SeededRandom(seed: 2)
    var values = (0..<200).map { _ in random.bytes(Int(random.below(5_000))) }
    values.append([])
    values.append([UInt8](repeating: 7, count: 600_000))
    values.append(random.bytes(300_000))
    return values
  }

  @Test(arguments: [UInt8(3), 6, 12], [Compression.none, .lz4, .automatic])
  func itIsTheFileThatAWriterMakes(alignmentShift: UInt8, compression: Compression) throws {
    try FileSystemKind.simulated.withDirectory { directory, _, _ in
      let values = Self.values()
      let expected = try ValueFixture.write(
        values, number: 7, in: directory, alignmentShift: alignmentShift, compression: compression)
      let output = try ValueFileOutput(number: 8, id: ValueFixture.id, in: directory)
      let pointers = try values.map { value in
        try value.withByteView { value throws(StoreError) in
          try output.append(value, alignmentShift: alignmentShift, compression: compression)
        }
      }
      var record = try output.seal()
      #expect(pointers.map(\.offset) == expected.pointers.map(\.offset))
      record.number = 7
      #expect(record == expected.record)
      let isSame =
        try readAll(FileName(.values, 8).description, in: directory)
        == readAll(FileName(.values, 7).description, in: directory)
      #expect(isSame)
    }
  }
}
