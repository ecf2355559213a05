import Testing
import VarveTestSupport

@testable import VarveCLI

/// `varve remote` on a directory as the bucket.
@Suite("varve remote") struct RemoteTests {
  /// Lends a store with a bucket, both paths.
  private static func attached(_ body: (_ store: String, _ bucket: String) throws -> Void) throws {
    try withTemporaryDirectory { path in
      let (store, bucket) = ("\(path)/store", "\(path)/bucket")
      let input = (0..<500).map { "key-\($0)\t\(String(repeating: "v", count: $0 * 7))\n" }
      #expect(
        try CommandRun(
          "import", store, "-", "--format", "tsv", "-q", input: input.joined()
        ).status == 0)
      let attach = try CommandRun("remote", "attach", store, bucket)
      #expect(attach.status == 0 && attach.errors.contains("writer 1"), "\(attach.errors)")
      try body(store, bucket)
    }
  }

  private static func digest(_ store: String) throws -> String {
    let run = try CommandRun("digest", store)
    #expect(run.status == 0, "\(run.errors)")
    return run.text.split(separator: " ").first.map(String.init) ?? ""
  }

  private static func json(_ words: String...) throws -> String {
    let run = try CommandRun(words + ["--json"])
    #expect(run.status == 0, "\(words): \(run.errors)")
    return run.text
  }

  @Test("uploads, evicts, reads, prefetches and restores to an equal digest")
  func goesRound() throws {
    try Self.attached { store, bucket throws in
      let whole = try Self.digest(store)
      #expect(try Self.json("remote", "status", store).contains("\"stored_files\":0"))
      #expect(!(try Self.json("remote", "upload", store).contains("\"bytes\":0,")))
      #expect(try Self.json("remote", "upload", store).contains("\"bytes\":0,"))
      #expect(try Self.json("remote", "evict", store).contains("\"local_bytes\":0"))
      #expect(try Self.digest(store) == whole)
      #expect(try CommandRun("verify", store, "--remote", "--deep").status == 0)
      #expect(try Self.json("remote", "prefetch", store).contains("\"cold_bytes\":0"))
      #expect(try Self.digest(store) == whole)
      let other = store + "-2"
      let restore = try CommandRun("remote", "restore", bucket, other)
      #expect(restore.status == 0, "\(restore.errors)")
      #expect(try Self.digest(other) == whole)
      // Whoever wrote before is fenced, and reads on.
      let put = try CommandRun("put", store, "late", "1")
      #expect(put.status != 0 && put.errors.contains("taken over"), "\(put.errors)")
      #expect(try Self.digest(store) == whole)
    }
  }

  @Test("explains what is where, and what it costs")
  func explains() throws {
    try Self.attached { store, bucket throws in
      #expect(try CommandRun("remote", "upload", store).status == 0)
      let status = try CommandRun("remote", "status", store).text
      for word in [
        bucket, "on this machine", "cold", "waits for upload", "garbage", "checkpoints", "unnamed",
        "logs", "a month",
      ] {
        #expect(status.contains(word), "\(word): \(status)")
      }
      // Nobody is fenced by looking, and nothing is needed of the bucket.
      let epoch = try Self.json("remote", "status", store)
      #expect(epoch.contains("\"epoch\":2") && epoch.contains("\"answers\":true"), "\(epoch)")
      #expect(
        try CommandRun(["-c", "mv \(bucket) \(bucket)-away"], program: "/bin/sh").status == 0)
      let alone = try CommandRun("remote", "status", store, "--json").text
      #expect(alone.contains("\"answers\":false") && alone.contains("\"local_files\""), "\(alone)")
      // And what is here is written on where that is asked for.
      #expect(try CommandRun("put", store, "key", "1").status != 0)
      #expect(try CommandRun("put", store, "key", "1", "--without-bucket").status == 0)
      #expect(
        try CommandRun(["-c", "mv \(bucket)-away \(bucket)"], program: "/bin/sh").status == 0)
      #expect(try CommandRun("remote", "upload", store).status == 0)
    }
  }

  @Test("goes back to a checkpoint, and lists what there is to go back to")
  func goesBack() throws {
    try Self.attached { store, bucket throws in
      #expect(try CommandRun("remote", "checkpoint", store, "early").status != 0)
      #expect(try CommandRun("remote", "upload", store).status == 0)
      let before = try Self.digest(store)
      #expect(
        try Self.json("remote", "checkpoint", store, "early").contains("\"checkpoint\":\"early\""))
      #expect(try CommandRun("put", store, "later", "1").status == 0)
      #expect(try CommandRun("remote", "upload", store).status == 0)
      for place in [store, bucket] {
        let versions = try CommandRun("remote", "versions", place)
        #expect(versions.status == 0 && versions.text.contains("checkpoint early"))
        #expect(try Self.json("remote", "versions", place).contains("\"checkpoints\":[\"early\"]"))
      }
      let other = store + "-2"
      let none = try CommandRun("remote", "restore", bucket, other, "--checkpoint", "late")
      #expect(none.status != 0 && none.errors.contains("no checkpoint"), "\(none.errors)")
      let back = try CommandRun("remote", "restore", bucket, other, "--checkpoint", "early")
      #expect(back.status == 0, "\(back.errors)")
      #expect(try Self.digest(other) == before)
      let unknown = try CommandRun("remote", "checkpoint", other, "late", "--delete")
      #expect(unknown.status != 0 && unknown.errors.contains("no checkpoint"), "\(unknown.errors)")
    }
  }

  @Test("a damaged newest version is mended by the store, and can be passed over without it")
  func newestIsDamaged() throws {
    try Self.attached { store, bucket throws in
      #expect(try CommandRun("remote", "upload", store).status == 0)
      let before = try Self.digest(store)
      #expect(try CommandRun("put", store, "later", "1").status == 0)
      let last = try #require(
        try CommandRun(["-c", "ls \(bucket)/manifest | tail -1"], program: "/bin/sh").lines.first)
      let path = "\(bucket)/manifest/\(last)"
      var bytes = try readFile(path)
      bytes[bytes.count - 20] ^= 8
      try writeFile(bytes, path)
      let versions = try CommandRun("remote", "versions", bucket)
      #expect(versions.status == 1 && versions.text.contains("checksum"), "\(versions.text)")
      let other = store + "-2"
      #expect(try CommandRun("remote", "restore", bucket, other).status != 0)
      let put = try CommandRun("put", store, "more", "1")
      #expect(put.status == 0, "\(put.errors)")
      #expect(try CommandRun("remote", "versions", bucket).status == 0)
      // Again, and now the machine is lost.
      let next = try #require(
        try CommandRun(["-c", "ls \(bucket)/manifest | tail -1"], program: "/bin/sh").lines.first)
      try writeFile([1, 2, 3], "\(bucket)/manifest/\(next)")
      let number = try #require(UInt64(next)) - 1
      let back = try CommandRun(
        "remote", "restore", bucket, other, "--version", "\(number)", "--abandoned")
      #expect(back.status == 0, "\(back.errors)")
      #expect(try Self.digest(other) == before)
    }
  }

  @Test("a store may leave its bucket, and a refused one is not tied")
  func detaches() throws {
    try Self.attached { store, bucket throws in
      let second = store + "-2"
      #expect(try CommandRun("put", second, "key", "1").status == 0)
      let refused = try CommandRun("remote", "attach", second, bucket)
      #expect(refused.status != 0 && refused.errors.contains("another store"), "\(refused.errors)")
      #expect(try CommandRun("put", second, "key", "2").status == 0)
      let within = try CommandRun("remote", "attach", second, "\(second)/bucket")
      #expect(within.status != 0 && within.errors.contains("own directory"), "\(within.errors)")
      #expect(
        !(try CommandRun(["-c", "ls \(second)"], program: "/bin/sh").lines.contains("bucket")))
      #expect(try Self.json("remote", "attach", second, bucket + "-2").contains("\"epoch\":1"))
      #expect(try CommandRun("remote", "upload", store).status == 0)
      #expect(try CommandRun("remote", "evict", store).status == 0)
      let cold = try CommandRun("remote", "detach", store)
      #expect(cold.status != 0 && cold.errors.contains("only the bucket has"), "\(cold.errors)")
      #expect(try CommandRun("remote", "prefetch", store).status == 0)
      #expect(try CommandRun("remote", "detach", store).status == 0)
      #expect(try CommandRun("put", store, "key", "3").status == 0)
      let none = try CommandRun("remote", "status", store)
      #expect(none.status != 0 && none.errors.contains("no bucket"), "\(none.errors)")
    }
  }

  @Test("finds and repairs damaged copies")
  func repairs() throws {
    try Self.attached { store, bucket throws in
      #expect(try CommandRun("remote", "upload", store).status == 0)
      #expect(try CommandRun("remote", "verify", store).status == 0)
      let files = try CommandRun(
        ["-c", "find \(bucket)/file -type f | sort"], program: "/bin/sh"
      ).lines
      let victim = try #require(files.first)
      var bytes = try readFile(victim)
      bytes[bytes.count / 2] ^= 1
      try writeFile(bytes, victim)
      let found = try CommandRun("remote", "verify", store)
      #expect(found.status == 1 && found.text.contains("in the bucket"), "\(found.text)")
      #expect(try CommandRun("remote", "verify", store, "--quick").status == 0)
      let repaired = try CommandRun("remote", "verify", store, "--repair", "--rate", "100M")
      #expect(repaired.status == 0 && repaired.text.contains("repaired"), "\(repaired.text)")
      #expect(try Self.json("remote", "verify", store).contains("\"sound\":true"))
    }
  }

  @Test("says which files a check did not read, and of a missing one once")
  func saysWhatWasNotRead() throws {
    try Self.attached { store, bucket throws in
      #expect(try CommandRun("remote", "upload", store).status == 0)
      #expect(!(try CommandRun("verify", store, "--deep").text.contains("--remote")))
      #expect(try CommandRun("remote", "evict", store).status == 0)
      let blind = try CommandRun("verify", store, "--deep")
      let hint = "2 files lie only in the bucket and were not read: --remote reads them"
      #expect(blind.status == 0 && blind.lines.last?.hasSuffix(hint) == true, "\(blind.text)")
      #expect(try Self.json("verify", store, "--deep").contains("\"only_in_bucket\":2"))
      #expect(!(try CommandRun("verify", store, "--remote").text.contains("only in the bucket")))
      let gone = try CommandRun(["-c", "rm -r \(bucket)/file/*"], program: "/bin/sh")
      #expect(gone.status == 0)
      for depth in [[], ["--deep"]] {
        let missing = try CommandRun(["verify", store, "--remote"] + depth)
        #expect(missing.status == 1 && missing.lines.count == 3, "\(missing.text)")
      }
    }
  }

  @Test("lists its commands where help is asked for, and where none is named")
  func listsCommands() throws {
    for line in ["remote --help", "remote -h", "remote help", "help remote"] {
      let words = line.split(separator: " ").map(String.init)
      let help = try CommandRun(words)
      #expect(help.status == 0 && help.errors.isEmpty, "\(words): \(help.errors)")
      for command in RemoteCommands.all {
        let name = command.name.dropFirst(RemoteCommands.prefix.count + 1)
        #expect(help.lines.contains { $0.hasPrefix("  \(name) ") }, "\(words): \(help.text)")
      }
      #expect(help.text.contains("varve remote COMMAND"), "\(help.text)")
    }
    let none = try CommandRun("remote")
    #expect(none.status == 2 && none.text.isEmpty && none.errors.contains("prefetch"))
    let wrong = try CommandRun("remote", "--json")
    #expect(wrong.status == 2 && wrong.errors.contains("'varve remote --help'"), "\(wrong.errors)")
    let unknown = try CommandRun("remote", "atach", "x")
    #expect(unknown.errors.contains("did you mean 'remote attach'"), "\(unknown.errors)")
    let far = try CommandRun("remote", "quux")
    #expect(far.errors.contains("try 'varve remote --help'"), "\(far.errors)")
    #expect(try CommandRun("help", "remote", "evict").text.hasPrefix("varve remote evict"))
  }

  @Test("collects, and keeps checkpoints")
  func collects() throws {
    try Self.attached { store, _ throws in
      #expect(try CommandRun("remote", "upload", store).status == 0)
      let kept = try CommandRun("remote", "checkpoint", store, "before")
      #expect(kept.status == 0 && kept.errors.contains("before"), "\(kept.errors)")
      #expect(try CommandRun("remote", "checkpoint", store, "before").status != 0)
      #expect(try CommandRun("compact", store).status == 0)
      let plan = try Self.json("remote", "gc", store, "--dry-run", "--grace", "0")
      #expect(plan.contains("\"dry_run\":true") && plan.contains("\"files\":0"), "\(plan)")
      #expect(try CommandRun("remote", "gc", store).status == 0)
      #expect(try CommandRun("remote", "checkpoint", store, "before", "--delete").status == 0)
    }
  }

  @Test("says what is missing: a bucket, a store in it, the bucket itself")
  func saysWhatIsMissing() throws {
    try withTemporaryDirectory { path in
      let store = "\(path)/store"
      #expect(try CommandRun("put", store, "key", "1").status == 0)
      let none = try CommandRun("remote", "upload", store)
      #expect(none.status != 0 && none.errors.contains("remote attach"), "\(none.errors)")
      let empty = try CommandRun("remote", "restore", "\(path)/nothing", "\(path)/new")
      #expect(empty.status != 0, "\(empty.errors)")
    }
    try Self.attached { store, bucket throws in
      #expect(try CommandRun("remote", "upload", store).status == 0)
      let moved = try CommandRun(["-c", "mv \(bucket) \(bucket).away"], program: "/bin/sh")
      #expect(moved.status == 0)
      // What is here can be read without it.
      #expect(try CommandRun("get", store, "key-3").text == String(repeating: "v", count: 21))
      #expect(try CommandRun("put", store, "key", "1").status != 0)
    }
  }
}
