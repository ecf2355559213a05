import Glibc
import Testing
import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// Which files leave a machine.
@Suite struct EvictionTests {
  /// Lets a file look as if it had been written so long ago.
  private static func age(_ path: String, seconds: Int) {
    var times = [timespec(), timespec()]
    clock_gettime(CLOCK_REALTIME, &times[0])
    times[0].tv_sec -= seconds
    times[1] = times[0]
    #expect(utimensat(AT_FDCWD, path, times, 0) == 0)
  }

  @Test func whatIsOldGoes() throws {
    try withTemporaryDirectory { path in
      let machine = TieredStore()
      let store = try SegmentStore.open(at: path, options: machine.connected())
      store.pauseCompaction()
      let keyspace = try store.keyspace("sample")
      for number in 0..<3 {
        try keyspace.put("key-\(number)", "\(number)")
        try store.flush()
      }
      let files = try store.bucketStatus().local.files
      #expect(files >= 3)
      let segments = try PosixFileSystem().openDirectory(at: path, create: false).names()
        .filter { $0.hasPrefix("segment-") }.sorted()
      Self.age("\(path)/\(segments[0])", seconds: 7_200)
      // Not before its copy is in the bucket.
      #expect(try store.evict(olderThan: 3_600) == 0)
      try store.upload()
      #expect(try store.evict(olderThan: 86_400) == 0)
      #expect(try store.evict(olderThan: 3_600) > 0)
      #expect(try store.bucketStatus().cold.files == 1)
      #expect(try store.prefetch() > 0)
      // What came back is as new.
      #expect(try store.evict(olderThan: 3_600) == 0)
      Self.age("\(path)/\(segments[1])", seconds: 7_200)
      #expect(try store.evict(keeping: .max, olderThan: .max) == 0)
      #expect(try store.evict(keeping: .max, olderThan: 3_600) > 0)
      #expect(try store.evict(keeping: 1, olderThan: 3_600) > 0)
      #expect(try store.bucketStatus().local.files == 0)
      for number in 0..<3 {
        #expect(try keyspace.value(for: "key-\(number)") == Array("\(number)".utf8))
      }
      try store.close()
    }
  }

  /// What a cursor stands on holds until it moves, also where its file leaves meanwhile.
  @Test func whatACursorStandsOnStays() throws {
    try withTemporaryDirectory { path in
      let machine = TieredStore()
      let store = try SegmentStore.open(at: path, options: machine.connected())
      let keyspace = try store.keyspace("vectors")
      var random = SplitMix64(seed: 4)
      let values = (0..<20).map { _ in random.bytes(60_000) }
      for (number, value) in values.enumerated() {
        try keyspace.put("v\(100 + number)", value, durability: .buffered)
      }
      try store.compact()
      try store.upload()
      var cursor = try keyspace.cursor()
      for (number, value) in values.enumerated() {
        let isThere = try cursor.next()
        #expect(isThere)
        if number == 7 { #expect(try store.evict() > 0) }
        if number == 12 { #expect(try store.prefetch() > 0) }
        let isRight = Array(copying: cursor.value) == value
        #expect(isRight, "\(number)")
      }
      try store.close()
    }
  }
}
