import Testing

@testable import PeerBench

/// What may stand on the command line, and what is refused before anything runs.
@Suite struct ArgumentsTests {
  @Test func linesAreNamedWholeOrInPart() throws {
    func names(_ words: String...) throws -> [String] {
      try Arguments(words).workloads.map(\.name)
    }
    #expect(try names("--only", "read random") == ["read random"])
    #expect(
      try names("--only", "durable put, 8 threads,seek + 10")
        == ["seek + 10", "durable put, 8 threads"])
    #expect(
      try names("--only", "durable put, 8 threads, seek + 10")
        == ["seek + 10", "durable put, 8 threads"])
    #expect(try names("--only", "YCSB").count == 6)
    #expect(
      try names("--only", "scan") == ["scan forward", "scan backward", "scan prefixes of 50"])
    #expect(try names("--goals").contains("fill random"))
    #expect(try !names("--goals").contains("delete random"))
    #expect(try names("--only", "limited").count == limitedWorkloads.count)
    #expect(try names("--except", "limited").allSatisfy { !$0.hasPrefix("limited") })
    #expect(try names("--only", "limited", "--except", "limited: seek").count == 5)
    #expect(try names("--only", "lasting") == lastingWorkloads.map(\.name))
  }

  @Test func linesThatAreNotThereAreRefused() {
    for words in [
      ["--only", "nothing"], ["--only", "read random,nothing"], ["--only", ","], ["--only"],
      ["--except", "nothing"], ["--only", "fill", "--except", "writing,real,lasting"],
      // About real records, without their directory.
      ["--only", "real"], ["--only", "fill random,fill packages"],
    ] { #expect(throws: PeerFailure.self, "\(words)") { try Arguments(words) } }
  }

  @Test func numbersThatAreNoneAreRefused() {
    for words in [
      ["--rounds", "0"], ["--rounds", "1.5"], ["--rounds", "-1"], ["--rounds", "--quick"],
      ["--scale", "nan"], ["--scale", "0"], ["--scale", "inf"], ["--scale", "11"],
      ["scaling", "--sizes", "10X"], ["scaling", "--sizes", "1M,,2M"],
      ["scaling", "--sizes", "99999999999999999999M"], ["scaling", "--sizes", "-1M"],
      ["scaling", "--sizes", "nanM"], ["scaling", "--sizes", "1M,1000k"],
      ["scaling", "--sizes", "900000M"],
    ] { #expect(throws: PeerFailure.self, "\(words)") { try Arguments(words) } }
  }

  @Test func optionsOfAnotherCommandAreRefused() {
    for words in [
      ["--sizes", "1M"], ["scaling", "--only", "fill"], ["scaling", "--scale", "1"],
      ["report", "--quick"], ["report"], ["--unknown"], ["words"], ["scaling", "words"],
    ] { #expect(throws: PeerFailure.self, "\(words)") { try Arguments(words) } }
  }

  @Test func sizesHaveUnits() throws {
    let sizes = try Arguments(["scaling", "--sizes", "2M,500k,1.5M,1000"]).sizes
    #expect(sizes == [1000, 500_000, 1_500_000, 2_000_000])
  }

  @Test func eachCommandHasItsHelp() throws {
    #expect(try Arguments(["--help"]).help.contains("--only"))
    for words in [["scaling", "--help"], ["--help", "scaling"], ["scaling", "--sizes", "-h"]] {
      let help = try Arguments(words).help
      #expect(help.contains("--sizes") && !help.contains("--only"), "\(words)")
    }
    #expect(try Arguments(["report", "--help"]).help.contains("FILE.json"))
  }

  @Test func quickIsWhereOthersStartFrom() throws {
    for words in [["--quick", "--rounds", "2"], ["--rounds", "2", "--quick"]] {
      let arguments = try Arguments(words)
      #expect(arguments.rounds == 2 && arguments.scale == 0.05, "\(words)")
      #expect(!arguments.peers.contains { $0.name == "LMDB-map" })
    }
    #expect(try Arguments(["scaling", "--quick"]).sizes == [100_000, 300_000])
    #expect(try Arguments(["scaling", "--quick", "--sizes", "1M"]).sizes == [1_000_000])
  }

  @Test func whatAnotherRunFoundIsNotWrittenOver() {
    #expect(throws: PeerFailure.self) { try Arguments(["--json", #filePath]) }
  }

  @Test func everyLineIsListedWithItsGoals() {
    let text = WorkloadList(allWorkloads).text
    for workload in allWorkloads {
      #expect(text.contains("\n  \(workload.name)\n"))
      for goal in workload.figures.flatMap(\.goals) { #expect(text.contains(goal.text)) }
    }
  }
}
