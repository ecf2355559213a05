import Foundation
import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// The vectors of format-spec/value-file.md, read by our decoders.
@Suite("Value file vectors")
struct ValueVectorTests {
  struct Vector: Codable, Equatable {
    struct Value: Codable, Equatable {
      var offset: UInt64
      var codec: String
      var value: String
    }

    struct Failure: Codable, Equatable {
      var structure: String
      var fault: String
      var offset: UInt64
    }

    struct Expectation: Codable, Equatable {
      var values: [Value]?
      var error: Failure?
    }

    var kind: String
    var name: String
    var note: String
    var hex: String
    var expect: Expectation
  }

  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../../format-spec/vectors").standardizedFileURL

  private static func load(_ file: String) throws -> [Vector] {
    try JSONDecoder().decode([Vector].self, from: Data(contentsOf: folder.appending(path: file)))
  }

  @Test("Every vector gives what it says", arguments: ["value-good.json", "value-bad.json"])
  func vectors(_ file: String) throws {
    let vectors = try Self.load(file)
    #expect(vectors.count >= 5)
    for vector in vectors {
      #expect(vector.kind == "values")
      #expect(try Self.read(bytes(vector.hex)) == vector.expect, "\(vector.name)")
    }
  }

  /// The bytes of a file depend on the codec libraries; all else must come out the same.
  @Test("The vectors are those that this code makes")
  func generated() throws {
    let made = try [
      ("value-good.json", ValueVectorMaker.good()), ("value-bad.json", ValueVectorMaker.bad()),
    ]
    // Set to write them anew, after a change of the format.
    if ProcessInfo.processInfo.environment["VARVE_WRITE_VECTORS"] != nil {
      for (file, files) in made { try Self.write(files, to: file) }
    }
    for (file, files) in made {
      let stored = try Self.load(file)
      #expect(stored.map(\.name) == files.map(\.name))
      for (vector, made) in zip(stored, files) where made.isPortable {
        #expect(vector.hex == hexadecimal(made.bytes), "\(made.name)")
      }
    }
  }

  private static func write(_ files: [ValueVectorMaker.File], to name: String) throws {
    let vectors = try files.map { file in
      JSON.object([
        ("kind", "values"), ("name", .text(file.name)), ("note", .text(file.note)),
        ("hex", .hex(file.bytes)), ("expect", json(try read(file.bytes))),
      ])
    }
    try Data((JSON.list(vectors).written() + "\n").utf8).write(to: folder.appending(path: name))
  }

  private static func json(_ expectation: Vector.Expectation) -> JSON {
    if let error = expectation.error {
      return .object([
        (
          "error",
          .object([
            ("structure", .text(error.structure)), ("fault", .text(error.fault)),
            ("offset", .number(error.offset)),
          ])
        )
      ])
    }
    let values = (expectation.values ?? []).map { value in
      JSON.object([
        ("offset", .number(value.offset)), ("codec", .text(value.codec)),
        ("value", .text(value.value)),
      ])
    }
    return .object([("values", .list(values))])
  }

  /// What reading all records of a sealed file gives, with the first error.
  private static func read(_ bytes: [UInt8]) throws -> Vector.Expectation {
    let disk = SimulatedFileSystem()
    let directory = try disk.openDirectory(at: "store", create: true)
    try disk.place(bytes, at: "store/values-0000000000000007")
    let reader = ValueFileReader(leftover: 7, in: ValueFixture.environment(directory))
    do throws(StoreError) {
      return try read(reader)
    } catch {
      return failure(error.structure ?? "", error.message, error.offset ?? 0)
    }
  }

  private static func read(_ reader: ValueFileReader) throws(StoreError) -> Vector.Expectation {
    var scanner = try reader.records()
    var values: [Vector.Value] = []
    while let item = try scanner.next() {
      switch item {
      case .gap, .end: continue
      case .unreadable(let error): return failure(error)
      case .value(_, _, let damage?): return failure(damage)
      case .value(let offset, let header, nil):
        let pointer = ValuePointer(
          file: 7, offset: offset, storedCount: header.storedCount, fullCount: header.fullCount,
          checksum: header.checksum, codec: header.codec)
        let value = hexadecimal(try reader.bytes(for: pointer))
        values.append(Vector.Value(offset: offset, codec: "\(header.codec)", value: value))
      }
    }
    guard scanner.isWhole else {
      return failure(FormatError(.valueRecord, .truncated, at: scanner.size))
    }
    return Vector.Expectation(values: values, error: nil)
  }

  private static func failure(_ error: FormatError) -> Vector.Expectation {
    failure(error.structure.rawValue, "\(error.fault)", error.offset)
  }

  private static func failure(
    _ structure: String, _ message: String, _ offset: UInt64
  ) -> Vector.Expectation {
    Vector.Expectation(
      values: nil,
      error: Vector.Failure(structure: structure, fault: faultName(message), offset: offset))
  }

  /// The name that format-spec/README.md gives to a fault.
  private static func faultName(_ message: String) -> String {
    let names = [
      ("ends too early", "truncated"), ("checksum mismatch", "checksum"),
      ("wrong magic", "magic"), ("format version", "version"), ("unknown feature", "features"),
      ("not allowed", "value"), ("too large", "limit"), ("do not belong", "excess"),
    ]
    return names.first { message.contains($0.0) }?.1 ?? message
  }
}

private func hexadecimal(_ bytes: [UInt8]) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

private func bytes(_ hexadecimal: String) -> [UInt8] {
  let digits = hexadecimal.utf8.map { UInt8($0 < 58 ? $0 - 48 : $0 - 87) }
  return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}
