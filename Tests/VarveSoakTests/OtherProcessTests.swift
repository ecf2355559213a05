#if os(Linux)
  import Foundation
  import Testing
  import VarveTestSupport

  /// What a campaign does follows from its seed alone. Two runs in one process would not show an order that
  /// comes of the seed of a hash: that differs from process to process.
  @Suite struct OtherProcessTests {
    @Test(arguments: [
      ["crash", "--images", "60", "--seed", "5"], ["crash", "--images", "60", "--seed", "6"],
      ["model", "--operations", "2000", "--seed", "5"],
    ])
    func anotherProcessLeavesTheSameTrace(of words: [String]) throws {
      let traces = try (0..<2).map { _ in try trace(of: words) }
      #expect(traces[0].count > 8)
      #expect(traces[0] == traces[1])
    }

    /// The check above can fail: what another seed does leaves another trace.
    @Test func anotherSeedLeavesAnotherTrace() throws {
      let traces = try ["5", "6"].map {
        try trace(of: ["model", "--operations", "200", "--seed", $0])
      }
      #expect(traces[0] != traces[1])
    }

    /// Runs the program that stands beside the tests.
    private func trace(of words: [String]) throws -> String {
      let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
      let program = URL(filePath: tests).deletingLastPathComponent().appending(path: "VarveSoak")
      let process = Process()
      process.executableURL = program
      process.arguments = words
      let pipe = Pipe()
      process.standardOutput = pipe
      try process.run()
      let output = try #require(try pipe.fileHandleForReading.readToEnd())
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
      let figures = try JSONSerialization.jsonObject(with: output) as? [String: Any]
      return try #require(figures?["trace"] as? String)
    }
  }
#endif
