import Testing
import VarveObjects
import VarvePlatform

@testable import VarveS3

/// Each fault of the proxy under each operation: success or a typed error, in time, and never other bytes
/// than were put.
@Suite(.serialized, .enabled(if: TestServer.hasProxy, "needs tools/s3-servers run"))
struct FaultTests {
  static let faults = [
    #""do": "refuse""#, #""do": "reset""#, #""do": "stall", "seconds": 2"#,
    #""do": "answer", "status": 503"#, #""do": "answer", "status": 500"#,
    #""do": "answer", "status": 429, "headers": {"Retry-After": "1"}"#,
    #""do": "answer", "status": 409, "body": "<Error><Code>OperationAborted</Code></Error>""#,
    #""do": "answer", "status": 502, "body": "<html>Bad gateway</html>""#,
    #""do": "answer", "status": 307, "headers": {"Location": "http://127.0.0.1:1/"}"#,
    #""do": "answer", "status": 301, "headers": {"x-amz-bucket-region": "eu-west-1"}"#,
    #""do": "answer", "status": 403, "body": "<Error><Code>AccessDenied</Code></Error>""#,
    #""do": "answer", "status": 200"#,
    #""do": "answer", "status": 200, "body": "<Error><Code>InternalError</Code></Error>""#,
    #""do": "answer", "status": 200, "body": "<html></html>""#,
    #""do": "answer", "status": 204"#, #""do": "answer", "status": 304"#,
    #""do": "answer", "status": 206, "body": "abc", "headers": {"Content-Range": "bytes 0-2/3"}"#,
    #""do": "cut_request", "at": 0"#, #""do": "cut_request", "at": 10"#, #""do": "lose""#,
    #""do": "lose_reset""#, #""do": "instead", "status": 500"#, #""do": "delay", "seconds": 1"#,
    #""do": "twice""#, #""do": "cut_head""#, #""do": "cut_head", "at": 60"#,
    #""do": "cut", "at": 0"#,
    #""do": "cut", "at": 50"#, #""do": "flip", "at": 0"#, #""do": "flip", "at": 57"#,
    #""do": "stall_body", "at": 3, "seconds": 2"#, #""do": "drip", "at": 1"#,
    #""do": "headers", "headers": {"Content-Length": null}"#,
    #""do": "headers", "headers": {"Content-Length": "7"}"#,
    #""do": "headers", "headers": {"Content-Length": "9999999"}"#,
    #""do": "headers", "headers": {"Content-Length": "-1"}"#,
    #""do": "headers", "headers": {"Content-Range": "bytes 5-9/10"}"#,
    #""do": "headers", "headers": {"Content-Range": null, "ETag": null, "Date": null}"#,
    #""do": "headers", "headers": {"Content-Encoding": "gzip"}"#,
    #""do": "headers", "headers": {"Date": "nonsense", "Last-Modified": "nonsense"}"#,
    #""do": "status", "status": 200"#, #""do": "status", "status": 999"#, #""do": "junk""#,
    #""do": "garbage""#, #""do": "hang_up""#,
  ]

  /// What a store is asked for, and what would be wrong about a success.
  struct Operation: Sendable {
    let name: String
    let run: @Sendable (S3ObjectStore) throws -> Bool
  }

  private static let bytes = pattern(5_000)

  private static let operations = [
    Operation(name: "put") { store in
      _ = try store.put(
        VarveS3Tests.name("new"), ObjectContent(bytes), if: .always, class: nil)
      return true
    },
    Operation(name: "put if absent") { store in
      _ = try store.put(
        VarveS3Tests.name("new"), ObjectContent(bytes), if: .absent, class: nil)
      return true
    },
    Operation(name: "read") { store in
      try store.read(VarveS3Tests.name("a"), .bytes(offset: 100, count: 200)).bytes
        == Array(bytes[100..<300])
    },
    Operation(name: "read the end") { store in
      let part = try store.read(VarveS3Tests.name("a"), .suffix(count: 50))
      return part.bytes == Array(bytes[4950...]) && part.objectSize == 5000
    },
    Operation(name: "status") { store in
      try store.status(of: VarveS3Tests.name("a"))?.size == 5000
    },
    Operation(name: "list") { store in
      try store.list("", after: nil, limit: 10).entries.map(\.name.description) == ["a", "b"]
    },
    Operation(name: "remove") { store in
      try store.remove([VarveS3Tests.name("x")])
      return true
    },
    Operation(name: "remove many") { store in
      try store.remove([VarveS3Tests.name("x"), VarveS3Tests.name("y")])
      return true
    },
    Operation(name: "copy") { store in
      try store.copy(
        VarveS3Tests.name("a"), to: VarveS3Tests.name("c"), class: StorageClass("STANDARD_IA"))
      return true
    },
    Operation(name: "abort stale uploads") { store in
      try store.removeUnfinished(olderThan: 86_400_000) == 0
    },
  ]

  /// Successes that no client could tell from true ones: a flipped bit in bytes that only the engine has a
  /// checksum of, and words of the bucket that say something else consistently.
  private static func mayDeceive(_ fault: String, _ operation: Operation) -> Bool {
    fault.contains("flip") || fault.contains("Content-Length")
      || fault.contains("\"status\": 2") && operation.name != "read"
  }

  /// One operation of each fault, another one each time, and in turns once or for good; or all where the environment
  /// wants that (ten minutes).
  private static func sample(_ fault: String, _ times: Int) -> [Operation] {
    if TestServer.variable("FAULTS") == "all" { return operations }
    let number = faults.firstIndex(of: fault) ?? 0
    guard (times < 0) == (number % 2 == 1) else { return [] }
    return [operations[(number * 3 + (times < 0 ? 5 : 0)) % operations.count]]
  }

  @Test(arguments: faults, [1, -1])
  func everyFaultEndsInTime(_ fault: String, _ times: Int) throws {
    let proxy = try FaultProxy()
    let clock = SystemClock()
    for operation in Self.sample(fault, times) {
      let store = try proxy.store()
      try proxy.set([])
      for name in ["a", "b"] {
        _ = try store.put(
          VarveS3Tests.name(name), ObjectContent(Self.bytes), if: .always, class: nil)
      }
      try proxy.set(["\"times\": \(times), \(fault)"])
      let start = clock.monotonicNanoseconds()
      var outcome = "success"
      do {
        let isRight = try operation.run(store)
        #expect(isRight || Self.mayDeceive(fault, operation), "\(operation.name)")
      } catch {
        let error = try #require(error as? ObjectStoreError)
        outcome = "\(error)"
      }
      let seconds = Double(clock.monotonicNanoseconds() - start) / 1e9
      #expect(seconds < 12, "\(operation.name): \(seconds) s, \(outcome)")
      try proxy.set([])
      try expectWhole(store, operation, outcome)
    }
  }

  /// What was put is as it was, whatever happened to the operation; and what was said of it is true.
  private func expectWhole(
    _ store: S3ObjectStore, _ operation: Operation, _ outcome: String
  ) throws {
    for name in ["a", "b"] {
      let part = try store.read(VarveS3Tests.name(name), .bytes(offset: 0, count: 10_000))
      #expect(part.bytes == Self.bytes, "\(operation.name)")
    }
    guard operation.name.hasPrefix("put") else { return }
    let isThere = try store.status(of: VarveS3Tests.name("new")) != nil
    if outcome == "success" || outcome.hasPrefix("exists") {
      #expect(isThere, "\(operation.name): \(outcome)")
    } else if !outcome.hasPrefix("uncertain") {
      #expect(!isThere, "\(operation.name): \(outcome)")
    }
  }
}
