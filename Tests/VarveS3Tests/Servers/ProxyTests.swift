import Testing
import VarveObjects
import VarvePlatform

@testable import VarveS3

extension FaultTests {
  private func put(
    _ store: S3ObjectStore, _ text: String, if condition: PutCondition = .always
  ) throws {
    _ = try store.put(name(text), ObjectContent([1, 2, 3]), if: condition, class: nil)
  }

  /// How many requests each thing costs.
  @Test func requestsAreCounted() throws {
    let proxy = try FaultProxy()
    let store = try proxy.store()
    for number in 0..<25 { try put(store, "n\(100 + number)", if: .absent) }
    _ = try store.read(name("n100"), .suffix(count: 1))
    _ = try store.status(of: name("n100"))
    var place: String?
    repeat { place = try store.list("n", after: place, limit: 10).end } while place != nil
    try store.remove((0..<25).map { name("n\(100 + $0)") })
    let counts = Dictionary(grouping: try proxy.requests(), by: \.method).mapValues(\.count)
    #expect(counts == ["PUT": 25, "GET": 4, "HEAD": 1, "POST": 1])
  }

  @Test func aConditionalWriteWhoseAnswerWasLostExists() throws {
    for fault in ["lose", "lose_reset"] {
      let proxy = try FaultProxy()
      let store = try proxy.store()
      try proxy.set(["\"method\": \"PUT\", \"do\": \"\(fault)\""])
      #expect(code { try put(store, "a", if: .absent) } == .exists)
      // The second try was ours and not libcurl's, which would not have told.
      #expect(try proxy.requests().filter { $0.method == "PUT" }.map(\.status) == ["200", "412"])
      #expect(try store.read(name("a"), .suffix(count: 9)).bytes == [1, 2, 3])
    }
  }

  @Test func aWriteWhoseAnswerWasLostIsRepeated() throws {
    let proxy = try FaultProxy()
    let store = try proxy.store()
    try proxy.set([#""method": "PUT", "do": "lose""#])
    try put(store, "a")
    try proxy.set([#""method": "PUT", "do": "instead", "status": 500, "times": -1"#])
    #expect(code { try put(store, "b") } == .uncertain)
    #expect(try store.status(of: name("b")) != nil)
  }

  @Test func aCompletionWhoseAnswerWasLostIsASuccess() throws {
    let proxy = try FaultProxy()
    let store = try proxy.store {
      $0.patience.requestMilliseconds = 20_000
      $0.patience.firstByteMilliseconds = 20_000
      $0.patience.stallMilliseconds = 20_000
    }
    let size = UInt64(65 << 20)
    let content = ObjectContent(count: size) { range throws(ObjectStoreError) in
      [UInt8](repeating: 7, count: range.count)
    }
    try proxy.set([#""method": "POST", "path": "uploadId=", "do": "lose""#])
    _ = try store.put(name("big"), content, if: .absent, class: nil)
    try proxy.set([
      #""method": "POST", "path": "uploadId=", "do": "instead", "status": 200, "body": "<Error><Code>InternalError</Code></Error>""#
    ])
    _ = try store.put(name("big2"), content, if: .always, class: nil)
    try proxy.set([#""method": "PUT", "path": "partNumber=3", "do": "lose_reset""#])
    _ = try store.put(name("big3"), content, if: .always, class: nil)
    try proxy.set([
      #""method": "PUT", "path": "partNumber=3", "do": "answer", "status": 403, "times": -1"#
    ])
    #expect(code { _ = try store.put(name("big4"), content, if: .always, class: nil) } == .denied)
    try proxy.set([])
    for text in ["big", "big2", "big3"] {
      #expect(try store.status(of: name(text))?.size == size)
    }
    #expect(try store.status(of: name("big4")) == nil)
    #expect(try store.abortStaleUploads(olderThan: 0) == 0)
  }

  @Test func aLateReadIsAskedForTwice() throws {
    let proxy = try FaultProxy()
    let store = try proxy.store { $0.patience.firstByteMilliseconds = 5_000 }
    try put(store, "a")
    for _ in 0..<40 { _ = try store.read(name("a"), .suffix(count: 3)) }
    try proxy.set([#""method": "GET", "do": "delay", "seconds": 3"#])
    let clock = SystemClock()
    let start = clock.monotonicNanoseconds()
    #expect(try store.read(name("a"), .suffix(count: 3)).bytes == [1, 2, 3])
    #expect(clock.monotonicNanoseconds() - start < 2_500_000_000)
  }

  @Test func closingEndsWhatIsUnderWay() throws {
    let proxy = try FaultProxy()
    let store = try proxy.store {
      $0.patience.firstByteMilliseconds = 20_000
      $0.patience.requestMilliseconds = 20_000
    }
    try proxy.set([#""do": "stall", "seconds": 20"#])
    let clock = SystemClock()
    let start = clock.monotonicNanoseconds()
    let closer = try WorkerThread(name: "test") {
      _ = HTTPCancellation().sleep(until: start + 300_000_000)
      store.close()
    }
    #expect(code { _ = try store.status(of: name("a")) } == .cancelled)
    closer.join()
    #expect(clock.monotonicNanoseconds() - start < 3_000_000_000)
  }
}
