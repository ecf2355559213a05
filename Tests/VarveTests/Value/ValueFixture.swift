import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

/// Value files made and opened for a test.
enum ValueFixture {
  static let id = FileID(low: 0x1111_2222_3333_4444, high: 0x5555_6666_7777_8888)
  static let otherID = FileID(low: 0x1111_2222_3333_4444, high: 0x5555_6666_7777_8889)

  static func environment(
    _ directory: any Directory, _ mode: ReadMode = .pread, cacheBytes: Int = 0
  ) -> ValueEnvironment {
    ValueEnvironment(
      directory: directory, mode: mode,
      blocks: BlockAccess(decompressor: Decompressor(), cache: BlockCache(budget: cacheBytes)))
  }

  /// A sealed file with these values, and their pointers.
  static func write(
    _ values: [[UInt8]], number: UInt64 = 7, id: FileID = id, in directory: any Directory,
    alignmentShift: UInt8 = 3, compression: Compression = .none
  ) throws -> (record: ValueFileRecord, pointers: [ValuePointer]) {
    let writer = try ValueFileWriter(number: number, id: id, in: directory)
    let pointers = try values.map {
      try writer.append($0, alignmentShift: alignmentShift, compression: compression)
    }
    return (try writer.seal(), pointers)
  }

  /// Everything that a deep check finds.
  static func findings(_ reader: ValueFileReader) throws -> [Finding] {
    var findings: [Finding] = []
    try reader.verify { findings.append($0) }
    return findings
  }
}

extension ValueFileWriter {
  func append(
    _ value: [UInt8], alignmentShift: UInt8 = 3, compression: Compression = .none,
    stream: UInt32 = 0
  ) throws(StoreError) -> ValuePointer {
    try value.withByteView { view throws(StoreError) in
      try append(
        view, alignmentShift: alignmentShift, compression: compression, stream: stream)
    }
  }
}

extension ValueFileReader {
  /// A copy of the value.
  func bytes(for pointer: ValuePointer) throws(StoreError) -> [UInt8] {
    let value = try value(for: pointer)
    defer { withExtendedLifetime(value.owner) {} }
    return value.bytes.array
  }
}

extension ValueStore {
  func bytes(for pointer: ValuePointer) throws(StoreError) -> [UInt8] {
    let value = try value(for: pointer)
    defer { withExtendedLifetime(value.owner) {} }
    return value.bytes.array
  }
}

/// Runs `body` and returns the error it must throw.
func storeError(_ body: () throws -> Void) -> StoreError? {
  do { try body() } catch let error as StoreError { return error } catch { return nil }
  return nil
}
