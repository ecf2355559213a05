import Testing
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// The object stores that need no server.
@Suite struct ObjectStoreConformanceTests {
  @Test(arguments: ObjectStoreConformance.rules)
  func aDirectoryKeeps(_ rule: ObjectStoreConformance) throws {
    try withTemporaryDirectory { path in
      try rule.check(try DirectoryObjectStore(path: path + "/bucket"))
    }
  }

  @Test(arguments: ObjectStoreConformance.rules)
  func aSimulatedDirectoryKeeps(_ rule: ObjectStoreConformance) throws {
    let disk = SimulatedFileSystem()
    try rule.check(
      try DirectoryObjectStore(
        path: "/bucket", fileSystem: disk, random: SimulatedRandom(seed: 1)))
  }

  @Test(arguments: ObjectStoreConformance.rules)
  func aSimulatedBucketKeeps(_ rule: ObjectStoreConformance) throws {
    try rule.check(SimulatedBucket().connect())
  }
}
