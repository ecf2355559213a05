import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

@Suite("Obsolete files")
struct ObsoleteFilesTests {
  @Test func aFileThatIsNeededOnceMoreIsNotRemoved() throws {
    try FileSystemKind.simulated.withDirectory { directory, _, _ in
      let obsolete = ObsoleteFiles()
      let names = (1...2).map { FileName(.segment, $0) }
      for name in names {
        try directory.create(name.description).close()
        obsolete.begin(name)
        obsolete.end(name, isObsolete: true)
      }
      obsolete.begin(names[0])
      #expect(obsolete.remove(from: directory) == 1)
      #expect(obsolete.isEmpty)
      obsolete.end(names[0], isObsolete: true)
      #expect(obsolete.remove(from: directory) == 1)
    }
  }

  /// To look through all that wait for each file took minutes.
  @Test func veryManyFilesMayGoAndComeBack() {
    let obsolete = ObsoleteFiles()
    let names = (1...100_000 as ClosedRange<UInt64>).map { FileName(.values, $0) }
    for name in names { obsolete.add(name) }
    for name in names.reversed() { obsolete.begin(name) }
    #expect(obsolete.isEmpty)
  }
}
