import Testing
import VarveTestSupport

@testable import VarveCLI

/// Lends the path of a store that does not exist yet.
private func withStore(_ body: (String) throws -> Void) throws {
  try withTemporaryDirectory { try body("\($0)/store") }
}

@Suite("The executable")
struct CommandTests {
  @Test("puts, gets and deletes; absence is status 1 and leaves standard output empty")
  func putsAndGets() throws {
    try withStore { store throws in
      let put = try CommandRun("put", store, "zsh", "The Z shell")
      #expect(put.status == 0 && put.output.isEmpty && put.errors.isEmpty)
      let get = try CommandRun("get", store, "zsh")
      #expect(get.status == 0 && get.text == "The Z shell" && get.errors.isEmpty)
      let absent = try CommandRun("get", store, "csh")
      #expect(absent.status == 1 && absent.output.isEmpty && absent.errors.contains("no such key"))
      #expect(try CommandRun("delete", store, "zsh").status == 0)
      #expect(try CommandRun("delete", store, "zsh").status == 1)
      #expect(
        try CommandRun("get", store, "zsh", "--json").lines == [#"{"found":false,"key":"zsh"}"#]
      )
    }
  }

  @Test("takes any bytes: in hexadecimal, from standard input, keys with hyphens")
  func takesBytes() throws {
    try withStore { store throws in
      #expect(try CommandRun("put", store, "--hex", "00ff", "c328").status == 0)
      #expect(try CommandRun("get", store, "--hex", "00FF").text == "c328\n")
      let bytes = (0...255).map { UInt8($0) }
      #expect(try CommandRun(["put", store, "--", "-k", "-"], input: bytes).status == 0)
      #expect(try CommandRun("get", store, "--", "-k").output == bytes)
      #expect(try CommandRun("put", store, "", "").status == 0)
      #expect(try CommandRun("get", store, "").status == 0)
    }
  }

  @Test("scans ranges in both directions")
  func scans() throws {
    try withStore { store throws in
      let input = "a\t1\nb\t2\nba\t3\nc\t4\n"
      #expect(
        try CommandRun("import", store, "-", "--format", "tsv", "-q", input: input).status == 0)
      func keys(_ words: String...) throws -> String {
        try CommandRun(["scan", store, "--keys-only"] + words).lines.joined(separator: " ")
      }
      #expect(try keys() == "a b ba c")
      #expect(try keys("--prefix", "b") == "b ba")
      #expect(try keys("--from", "b", "--to", "c") == "b ba")
      #expect(try keys("--from", "bb") == "c")
      #expect(try keys("--to", "b") == "a")
      #expect(try keys("--reverse") == "c ba b a")
      #expect(try keys("--reverse", "--limit", "2") == "c ba")
      #expect(try keys("--reverse", "--prefix", "b") == "ba b")
      #expect(try keys("--limit", "0") == "")
      #expect(try CommandRun("scan", store, "-n1").text == "a\t1\n")
      #expect(try CommandRun("scan", store, "-n1", "--hex").text == "61\t31\n")
      #expect(
        try CommandRun("scan", store, "-n1", "--json").lines == [#"{"key":"a","value":"1"}"#])
      #expect(
        try CommandRun("scan", store, "-n1", "--json", "--keys-only").lines
          == [#"{"key":"a"}"#])
    }
  }

  @Test("exports and imports any bytes to an equal digest, before and after a flush")
  func roundTrips() throws {
    try withStore { store throws in
      var random = SeededRandom(seed: 7)
      var input = ""
      for index in 0..<300 {
        let key = Hexadecimal.text(random.bytes(1 + random.below(20)))
        let value = Hexadecimal.text(random.bytes(random.below(200)))
        let name = index % 3 == 0 ? #""keyspace":"k \u00e9\n","# : ""
        input += #"{\#(name)"key_hex":"\#(key)","value_hex":"\#(value)"}"# + "\n"
      }
      input += #"{"key":"text","value":"a\u0000b\ud83d\ude00"}"# + "\n"
      input += #"{"key":"json","value":{ "a" : [1.50, null] }}"# + "\n"
      input += #"{"key":"late","value":1,"expires":32503680000000}"# + "\n"
      let imported = try CommandRun("import", store, "-", "--batch", "17", input: input)
      #expect(imported.status == 0, "\(imported.errors)")
      #expect(try CommandRun("get", store, "json").text == #"{ "a" : [1.50, null] }"#)
      let digest = try CommandRun("digest", store).text
      let export = try CommandRun("export", store)
      #expect(export.lines.count > 290)
      #expect(export.text.contains(#""expires":32503680000000"#))
      let copy = store + "-copy"
      #expect(try CommandRun(["import", copy, "-"], input: export.output).status == 0)
      #expect(try CommandRun("digest", copy).text == digest)
      #expect(try CommandRun("export", copy).output == export.output)
      #expect(try CommandRun("flush", copy).status == 0)
      #expect(try CommandRun("digest", copy).text == digest)
      #expect(try CommandRun("export", copy).output == export.output)
      #expect(try CommandRun("put", copy, "one more", "").status == 0)
      #expect(try CommandRun("digest", copy).text != digest)
      #expect(
        try CommandRun("keyspaces", copy).lines.map { $0.prefix { $0 != "\t" } }
          == ["default", #"k é\n"#])
    }
  }

  @Test("acknowledges each commit on standard output")
  func acknowledges() throws {
    try withStore { store throws in
      let input = (0..<7).map { #"{"key":"\#($0)","value":1}"# + "\n" }.joined()
      let run = try CommandRun(
        "import", store, "-", "--batch", "3", "--acknowledge", "--memory", "8M", input: input)
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.lines == ["3", "6", "7"])
      #expect(try CommandRun("import", store, "-", "--acknowledge", "--json").status == 2)
      #expect(try CommandRun("import", store, "-", "--memory", "1M").status == 2)
      #expect(
        try CommandRun("stats", store, "--memory", "256M", "--json").text
          .contains(#""memtable":33554432"#))
    }
  }

  @Test("imports vectors, with the dimension given or found")
  func importsVectors() throws {
    try withTemporaryDirectory { directory throws in
      let (store, rows, keys) = ("\(directory)/s", "\(directory)/v.f32", "\(directory)/v.keys")
      try writeFile((0..<48).map { UInt8($0) }, rows)
      try writeFile(Array("a\nb\nc\n".utf8), keys)
      #expect(
        try CommandRun("import", store, rows, "--keys", keys, "-k", "v", "--json").text
          .hasPrefix(#"{"entries":3,"bytes":48,"#))
      #expect(try CommandRun("get", store, "b", "-k", "v").output == (16..<32).map { UInt8($0) })
      for (dimension, status) in [("5", 3), ("2", 3), ("4", 0)] as [(String, Int32)] {
        let words = ["import", store, rows, "--keys", keys, "-k", "w\(dimension)", "-d", dimension]
        #expect(try CommandRun(words).status == status, "\(dimension)")
        // Rows cut in the wrong places are not stored, and no keyspace is made for them.
        #expect(
          try CommandRun("keyspaces", store).text.contains("w\(dimension)\t") == (status == 0))
      }
      let words = ["import", store, rows, "--keys", "-", "-k", "p"]
      #expect(try CommandRun(words, input: Array("a\nb\nc\n".utf8)).status == 2)
      #expect(try CommandRun(words + ["-d", "4"], input: Array("a\nb\nc\n".utf8)).status == 0)
      #expect(try CommandRun("import", store, rows).status == 2)
      try writeFile(Array("a\nb\n".utf8), keys)
      let other = try CommandRun("import", store, rows, "--keys", keys, "-k", "v", "-b", "1")
      #expect(other.status == 3)
      #expect(other.errors.contains("keyspace v takes values of 16 bytes, not 24"))
      #expect(other.errors.contains("0 entries before it are in the store"))
      let piped = try CommandRun(
        ["import", store, "-", "--format=f32", "--keys", keys], input: [1])
      #expect(piped.status == 3 || piped.status == 2)
    }
  }

  @Test("names line and column of broken input, keeps what came before, and ends with 3")
  func namesTheLine() throws {
    try withStore { store throws in
      let input = #"{"key":"a","value":1}"# + "\n" + #"{"key":"b","value":tru}"# + "\n"
      let run = try CommandRun("import", store, "-", "--batch", "1", input: input)
      #expect(run.status == 3)
      #expect(run.output.isEmpty)
      #expect(run.errors.contains("standard input: line 2, column 23: expected true"))
      #expect(run.errors.contains("1 entry before it"))
      #expect(try CommandRun("get", store, "a").text == "1")
      #expect(try CommandRun("get", store, "b").status == 1)
    }
  }

  @Test("ends with 2 for wrong usage and 3 for what cannot be done, all said on standard error")
  func endsWithStatus() throws {
    try withStore { store throws in
      let usage: [[String]] = [
        [], ["frobnicate"], ["get"], ["get", store], ["get", store, "k", "--nonsense"],
        ["scan", store, "--prefix", "a", "--from", "b"], ["scan", store, "--limit", "x"],
        ["put", store, "--hex", "0", "00"], ["--nonsense"],
        ["import", store, "x.jsonl", "--keys", "y"],
      ]
      for words in usage {
        let run = try CommandRun(words)
        #expect(run.status == 2, "\(words)")
        #expect(run.output.isEmpty && !run.errors.isEmpty, "\(words)")
      }
      for words in [
        ["get", store, "k"], ["scan", store], ["verify", store], ["dump", store],
        ["delete", store, "k"], ["flush", store], ["import", store, "/nonexistent/file"],
        ["import", store, "/tmp"], ["dump", "/etc/hostname"], ["dump", ""],
        ["put", "/etc/hostname", "k", "v"], ["get", "/dev/null", "k"], ["dump", "/dev/zero"],
      ] {
        let run = try CommandRun(words)
        #expect(run.status == 3, "\(words)")
        #expect(run.output.isEmpty && run.errors.hasPrefix("varve: "), "\(words)")
      }
      // None of that made a store.
      #expect(try CommandRun("dump", store).status == 3)
    }
  }

  @Test("shows help and version on standard output, without colour where nobody looks")
  func showsHelp() throws {
    for words in [["--help"], ["help"], ["help", "scan"]]
      + Program.allCommands.map({ [$0.name, "--help"] })
    {
      let run = try CommandRun(words, environment: ["TERM": "xterm"])
      #expect(run.status == 0 && run.errors.isEmpty)
      #expect(!run.text.contains("\u{1b}"))
      #expect(run.text.contains("Usage: varve"))
    }
    #expect(try CommandRun("--version").text == "varve \(Program.version) (format 0)\n")
  }

  @Test("verifies a sound store with 0 and a damaged one with 1, naming file and offset")
  func verifies() throws {
    try withStore { store throws in
      for index in 0..<20 {
        #expect(try CommandRun("put", store, "key \(index)", "value \(index)").status == 0)
        if index == 9 { #expect(try CommandRun("flush", store).status == 0) }
      }
      #expect(try CommandRun("verify", store).status == 0)
      #expect(try CommandRun("verify", store, "--deep").text.hasPrefix("sound"))
      let listing = try CommandRun("dump", store, "--json").lines
      let name = try #require(
        listing.compactMap { line in
          line.firstRange(of: "segment-").map { line[$0.lowerBound...].prefix(24) }
        }.first)
      let path = "\(store)/\(name)"
      var bytes = try readFile(path)
      bytes[100] ^= 1
      try writeFile(bytes, path)
      let deep = try CommandRun("verify", store, "--deep")
      #expect(deep.status == 1)
      #expect(deep.text.contains("damage \(name): data block: checksum mismatch"))
      #expect(deep.text.contains("at offset 64"))
      let json = try CommandRun("verify", store, "--deep", "--json")
      #expect(json.lines.first?.hasPrefix(#"{"finding":"damage","file":"\#(name)""#) == true)
      #expect(json.lines.last?.hasPrefix(#"{"sound":false,"damage":1"#) == true)
      // The answer stands though nobody reads it to the end.
      for reader in ["true", "head -n 1"] {
        let script = #""$0" verify "$1" --deep | "# + reader
        let piped = try CommandRun(
          ["-o", "pipefail", "-c", script, CommandRun.executable, store], program: "/bin/bash")
        #expect(piped.status == 1, "\(reader)")
      }
      let dump = try CommandRun("dump", path, "--blocks")
      #expect(dump.status == 1)
      #expect(dump.lines.contains { $0.hasPrefix("0x00000040") && $0.contains("damage") })
      #expect(dump.lines.contains { $0.contains("properties") })
    }
  }

  @Test("dumps a segment with blocks and entries")
  func dumpsSegments() throws {
    try withStore { store throws in
      let input = (0..<500).map { "key \(1000 + $0)\tvalue \($0)" }.joined(separator: "\n")
      #expect(try CommandRun("import", store, "-", "--format=tsv", input: input).status == 0)
      #expect(try CommandRun("flush", store).status == 0)
      let all = try CommandRun("dump", store, "--entries")
      #expect(all.status == 0)
      #expect(all.lines.count { $0.contains("action put") && $0.contains("keyspace 1,") } == 500)
      #expect(all.text.contains(#"key "key 1499", value "value 499""#))
      #expect(all.lines.contains { $0.contains("block ") && $0.contains("codec ") })
      #expect(all.lines.contains { $0.contains("filter ") && $0.contains("bits a key") })
    }
  }

  @Test("names members in JSON without spaces, and says only what it looked at")
  func namesMembers() throws {
    try withStore { store throws in
      let large = String(repeating: "large ", count: 1_000)
      #expect(try CommandRun("put", store, "key", large).status == 0)
      let flush = try CommandRun("flush", store)
      #expect(flush.errors.contains("-> 1 segment and 1 value file, "), "\(flush.errors)")
      let lines =
        try CommandRun("dump", store, "--json", "--entries").lines
        + CommandRun("stats", store, "--json").lines
      #expect(lines.contains { $0.contains(#""last_sequence":"#) })
      let spaced = lines.filter { $0.contains(#/"[a-z]+ [a-z ]+":/#) }
      #expect(spaced.isEmpty, "\(spaced.first ?? "")")
      let fast = try CommandRun("verify", store).text
      #expect(fast.hasPrefix("sound: looked at ") && !fast.contains(" 0 "), "\(fast)")
      #expect(fast.contains("; --deep reads all there is"))
    }
  }

  @Test("ends quietly when nobody reads any more")
  func survivesAClosedPipe() throws {
    try withStore { store throws in
      let input = (0..<20_000).map { "key \($0)\tvalue \($0)" }.joined(separator: "\n")
      #expect(
        try CommandRun("import", store, "-", "--format=tsv", "-q", input: input).status == 0)
      let script = "'\(CommandRun.executable)' scan '\(store)' | head -n 1; echo ${PIPESTATUS[0]}"
      let run = try CommandRun(
        ["-c", script], environment: ["PATH": "/usr/bin:/bin"], program: "/bin/bash")
      #expect(run.lines == ["key 0\tvalue 0", "0"])
      #expect(run.errors.isEmpty)
    }
  }
}
