import Testing

/// Every target over its corpus and what was found before, and over small changes of them: what
/// `tools/fuzz smoke` does with libFuzzer, in a moment.
@Suite struct FuzzSampleTests {
  private static let most = 2_000
  private static let time = Duration.milliseconds(150)

  @Test(arguments: FuzzTarget.all.map(\.name).filter { $0 != "canary" })
  func noInputBreaksAPromise(of name: String) throws {
    let sample = try FuzzSample(try #require(FuzzTarget.named(name)))
    #expect(sample.inputs.count > 10, "no corpus of \(name)")
    defer { sample.end() }
    if let finding = try sample.readAll() { Issue.record("\(name): \(finding)") }
    for way in sample.ways {
      let finding = try sample.readChanged(way, atMost: Self.most, for: Self.time)
      if let finding { Issue.record("\(name): \(finding)") }
    }
    #expect(sample.executions > sample.inputs.count)
  }

  /// It takes a change of the one by the other, so this mutator finds things, and a finding is told of.
  @Test func theCanaryIsFound() throws {
    let halves = [("left", Array("va.".utf8)), ("right", Array("..r".utf8))]
    let sample = try FuzzSample(.canary, inputs: halves)
    defer { sample.end() }
    #expect(try sample.readAll() == nil)
    let finding = try sample.readChanged(.checked, atMost: Self.most, for: .seconds(10))
    #expect(finding?.promise == "the canary")
    #expect(finding.map { $0.bytes.starts(with: "var".utf8) } ?? false)
  }
}
