import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

@Suite struct TieFileTests {
  /// What grows while it is changed must not become what nobody can read again.
  @Test func whatIsTooLongToBeReadIsNotWritten() throws {
    let disk = SimulatedFileSystem()
    var file = TieFile(directory: try disk.openDirectory(at: "store", create: true))
    file.mostBytes = 200
    var tie = BucketTie(
      location: "file:///srv/bucket", writers: [FileID(low: 1, high: 2)], head: nil,
      storeID: FileID(low: 3, high: 4))
    try file.write(tie)
    tie.writers += (0..<10).map { FileID(low: $0, high: 5) }
    let failure = try storeFailure { try file.write(tie) }
    #expect(failure?.code == .limit && failure?.file == "bucket")
    #expect(try file.read()?.writers.count == 1)
  }
}
