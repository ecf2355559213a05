import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

/// Files of a manifest that are not there, or not as long as it says, however many threads look.
@Suite struct SizeCheckTests {
  private static let segmentCount = 400
  private static let valueFileCount = 200

  private static var manifest: Manifest {
    var manifest = Manifest(storeID: .zero)
    manifest.segments = (1...segmentCount).map { number in
      SegmentRecord(
        number: UInt64(number), id: .zero, level: 0, size: UInt64(number), smallestKey: [],
        largestKey: [], smallestSequence: .zero, largestSequence: .zero, entryCount: 1, rawBytes: 1)
    }
    manifest.valueFiles = (1...valueFileCount).map { place in
      let number = segmentCount + place
      return ValueFileRecord(
        number: UInt64(number), id: .zero, size: UInt64(number), valueCount: 1, valueBytes: 1)
    }
    return manifest
  }

  private static func name(_ number: Int) -> String {
    FileName(number <= segmentCount ? .segment : .values, UInt64(number)).description
  }

  /// The file that the check names where those of `missing` are not there and those of `longer` are a byte
  /// too long; nil where all are as they should be.
  private static func named(
    missing: Set<Int> = [], longer: Set<Int> = [], on kind: FileSystemKind, usesThreads: Bool
  ) throws -> String? {
    try kind.withDirectory { directory, _, _ in
      for number in 1...segmentCount + valueFileCount where !missing.contains(number) {
        let file = try directory.create(name(number))
        try file.write([0], at: UInt64(longer.contains(number) ? number : number - 1))
        try file.close()
      }
      do throws(StoreError) {
        try SizeCheck(of: manifest, in: directory).run(usesThreads: usesThreads)
        return nil
      } catch {
        #expect(error.code == .corrupted)
        #expect(error.structure == StoreError.wholeFile)
        return error.file
      }
    }
  }

  @Test(arguments: FileSystemKind.allCases, [false, true])
  func theFirstFileThatIsWrongIsNamed(on kind: FileSystemKind, usesThreads: Bool) throws {
    let last = Self.segmentCount + Self.valueFileCount
    func named(missing: Set<Int> = [], longer: Set<Int> = []) throws -> String? {
      try Self.named(missing: missing, longer: longer, on: kind, usesThreads: usesThreads)
    }
    #expect(try named() == nil)
    // At either end of the files, and of the halves.
    for number in [1, last / 2, last / 2 + 1, Self.segmentCount, Self.segmentCount + 1, last] {
      #expect(try named(missing: [number]) == Self.name(number))
      #expect(try named(longer: [number]) == Self.name(number))
    }
    #expect(try named(missing: [last / 2, last]) == Self.name(last / 2))
    #expect(try named(missing: [last], longer: [2]) == Self.name(2))
  }
}
