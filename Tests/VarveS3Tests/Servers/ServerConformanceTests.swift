import Testing
import VarveObjects
import VarveTestSupport

@testable import VarveS3

/// The rules of all object stores, on servers that are there.
@Suite struct ServerConformanceTests {
  @Test(
    .enabled(if: TestServer.ministack.isThere, "needs tools/s3-servers run"),
    arguments: ObjectStoreConformance.rules)
  func ministackKeepsTheRules(_ rule: ObjectStoreConformance) throws {
    try rule.check(TestServer.ministack.store("conformance"))
  }

  @Test(
    .enabled(if: TestServer.swift.isThere, "needs tools/s3-servers run"),
    arguments: ObjectStoreConformance.rules)
  func swiftKeepsTheRules(_ rule: ObjectStoreConformance) throws {
    try rule.check(TestServer.swift.store("conformance"))
  }
}
