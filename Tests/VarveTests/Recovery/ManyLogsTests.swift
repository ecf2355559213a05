import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

@Suite("Very many logs")
struct ManyLogsTests {
  private let storeID = FileID(low: 0x5354_4f52, high: 99)

  private func manifest(_ numbers: [UInt64]) -> Manifest {
    var manifest = Manifest(storeID: storeID)
    manifest.isCleanlyClosed = true
    manifest.nextFileNumber = 1_000_000
    manifest.logs = numbers.map {
      LogExtent(number: $0, length: UInt64(FileHeader.byteCount), lastSequence: .zero)
    }
    return manifest
  }

  /// A forged manifest may name as many as it likes: to look through all of them for each log took
  /// minutes.
  @Test func eachIsFoundInTheManifestByItsNumber() throws {
    let numbers = (1...40_000 as ClosedRange<UInt64>).map { 2 * $0 }
    try FileSystemKind.simulated.withDirectory { directory, _, _ in
      for number in numbers {
        let file = try directory.create(FileName(.log, number).description)
        let header = FileHeader(
          .log, number: number, identity: FileID(low: number, high: 0), storeTag: storeID.low)
        try header.encoded().withByteView { try file.write($0, at: 0) }
        try file.close()
      }
      let logs = try StoredLogs(numbers.shuffled(), in: directory, of: manifest(numbers), .buffered)
      #expect(logs.isClean)
      #expect(throws: StoreError.self) {
        _ = try StoredLogs(numbers.dropLast(), in: directory, of: manifest(numbers), .buffered)
      }
      let more = try StoredLogs(numbers + [3], in: directory, of: manifest(numbers), .buffered)
      #expect(!more.isClean)
    }
  }

  @Test func theManifestNamesALogOrNot() {
    for count in 0..<9 as Range<UInt64> {
      let manifest = manifest((0..<count).map { 2 * $0 + 1 })
      for number in 0..<20 as Range<UInt64> {
        let extent = manifest.logs.first { $0.number == number }
        #expect(manifest.extent(of: number) == extent)
        #expect(manifest.needs(log: number) == (extent != nil))
      }
    }
  }
}
