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
}
