import Testing
import VarveTestSupport

@testable import Varve

/// Many threads at one store, whose history is judged: a sample of `VarveSoak threads`, which the thread
/// sanitizer watches too.
@Suite(.serialized) struct StressConcurrencyTests {
  @Test(arguments: FileSystemKind.allCases, 1...2 as ClosedRange<UInt64>)
  func whatManyThreadsSawCanHaveBeen(on kind: FileSystemKind, seed: UInt64) throws {
    let report = try ThreadStress.run(on: kind, seed: seed, milliseconds: 1_500)
    #expect(report.failures == [])
    // How much is done in that time is the machine's business.
    #expect(report.writes > 0 && report.moments > 0)
    #expect(kind == .posix || report.powerCuts > 0)
  }
}
