import Testing
import VarveTestSupport

@testable import VarveCLI

/// What `varve remote` says when something is wrong: once, and with what to do.
@Suite("Messages of varve remote") struct RemoteMessageTests {
  /// Lends a store of which all but the ends is only in a bucket.
  private static func cold(_ body: (_ store: String, _ bucket: String) throws -> Void) throws {
    try withTemporaryDirectory { path in
      let (store, bucket) = ("\(path)/store", "\(path)/bucket")
      let input = (0..<200).map { "key-\($0)\tvalue-\($0)\n" }.joined()
      #expect(try CommandRun("import", store, "-", "--format", "tsv", input: input).status == 0)
      #expect(try CommandRun("remote", "attach", store, bucket).status == 0)
      #expect(try CommandRun("remote", "upload", store).status == 0)
      #expect(try CommandRun("remote", "evict", store).status == 0)
      try body(store, bucket)
    }
  }

  private static func shell(_ line: String) throws {
    #expect(try CommandRun(["-c", line], program: "/bin/sh").status == 0)
  }

  /// The errors of a command, which must say `expected` and must not say anything twice.
  private static func expect(
    _ expected: String..., of words: [String], status: Int32 = 3,
    _ place: SourceLocation = #_sourceLocation
  ) throws {
    let run = try CommandRun(words)
    #expect(run.status == status, "\(run.errors)", sourceLocation: place)
    for part in expected {
      #expect(run.errors.contains(part), "\(part): \(run.errors)", sourceLocation: place)
    }
    let first = run.errors.split(separator: "\n").first ?? ""
    let parts = first.split(separator: " ").filter { $0.hasSuffix(":") }
    #expect(Set(parts).count == parts.count, "\(run.errors)", sourceLocation: place)
  }

  @Test("a bucket that is away: which one, and whether it is mounted")
  func aBucketIsAway() throws {
    try Self.cold { store, bucket throws in
      try Self.shell("mv \(bucket) \(bucket).away")
      let why = "open directory \(bucket): not found"
      let status = try CommandRun("remote", "status", store)
      #expect(status.status == 1 && status.text.contains(why), "\(status.text)")
      for command in ["upload", "evict", "prefetch", "gc", "verify"] {
        try Self.expect(why, "is it mounted?", of: ["remote", command, store])
      }
      try Self.expect(why, "is it mounted?", of: ["remote", "restore", bucket, "\(store)-2"])
      try Self.expect("segment-", why, of: ["get", store, "key-3"])
      try Self.expect("segment-", why, of: ["scan", store])
      // Something else is mounted there.
      try Self.shell("mkdir \(bucket)")
      try Self.expect("is it the same bucket", of: ["remote", "upload", store])
      let restore = try CommandRun("remote", "restore", bucket, "\(store)-2")
      #expect(restore.errors.contains("remote upload") && !restore.errors.contains("'put'"))
    }
  }

  @Test("an object that is damaged: which one and where, once")
  func anObjectIsDamaged() throws {
    try Self.cold { store, bucket throws in
      try Self.shell(
        "for file in \(bucket)/manifest/*; do printf XXXX | dd of=$file bs=1 seek=100 conv=notrunc;"
          + " done 2>&1")
      try Self.expect(
        "\(bucket)/manifest/0", ": bucket object: checksum mismatch", "at offset",
        "'varve dump' shows", of: ["remote", "restore", bucket, "\(store)-2"])
      let status = try CommandRun("remote", "status", store)
      #expect(
        status.status == 1 && status.text.contains("bucket object: checksum mismatch"))
      try Self.shell("printf XXXX | dd of=\(bucket)/store bs=1 seek=9 conv=notrunc 2>&1")
      try Self.expect(
        "\(bucket)/store: bucket object:", "at offset 44", "'varve dump' shows",
        of: ["remote", "restore", bucket, "\(store)-2"])
    }
  }

  @Test("names: of a checkpoint, of a bucket")
  func namesAreWrong() throws {
    try Self.cold { store, bucket throws in
      try Self.expect("a checkpoint's name is made of", of: ["remote", "checkpoint", store, "A"])
      #expect(try CommandRun("remote", "checkpoint", store, "a").status == 0)
      try Self.expect(
        "there is a checkpoint of that name", of: ["remote", "checkpoint", store, "a"])
      let nowhere = try CommandRun("remote", "restore", bucket, "\(store)-2/below")
      #expect(nowhere.errors.contains("make it first") && !nowhere.errors.contains("'put'"))
      try Self.expect("BUCKET is empty", of: ["remote", "restore", "", "\(store)-2"], status: 2)
      try Self.expect("not 'zone'", of: ["remote", "restore", "s3://abc/d?zone=1", "\(store)-2"])
      try Self.expect(
        "did you mean '--json'?\n", of: ["remote", "status", store, "--jsn"], status: 2)
      try Self.expect(
        "a bucket of its own, or a prefix", of: ["remote", "attach", try Self.other(store), bucket])
    }
  }

  private static func other(_ store: String) throws -> String {
    #expect(try CommandRun("put", "\(store)-3", "key", "1").status == 0)
    return "\(store)-3"
  }

  @Test("another machine has taken over: how to go on")
  func whoeverIsFencedIsToldHowToGoOn() throws {
    try Self.cold { store, bucket throws in
      #expect(try CommandRun("remote", "restore", bucket, "\(store)-2").status == 0)
      for _ in 0..<2 {
        try Self.expect("taken over", "'varve remote restore'", of: ["remote", "upload", store])
      }
    }
  }
}
