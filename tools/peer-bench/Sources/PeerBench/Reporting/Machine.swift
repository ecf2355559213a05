import Foundation

/// Where a run was made and with what.
struct Machine: Codable {
  /// A text for each thing worth to know; more than one of a kind where runs were put together.
  private(set) var lines: [String]

  init() {
    lines = [
      "\(Self.processor), \(ProcessInfo.processInfo.processorCount) cores, "
        + "\(ProcessInfo.processInfo.physicalMemory >> 30) GiB, \(Self.system)",
      Self.engines.joined(separator: ", "),
      "limited lines: \(Self.limit)",
    ].filter { !$0.isEmpty }
  }

  mutating func add(_ other: Machine) {
    lines += other.lines.filter { !lines.contains($0) }
  }

  private static var processor: String {
    let processors = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let model = processors.split(separator: "\n").first { $0.hasPrefix("model name") }
    return model?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "?"
  }

  private static var system: String {
    var name = utsname()
    uname(&name)
    return withUnsafeBytes(of: name.release) { bytes in
      "Linux " + String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  /// Varve's commit, which `run` hands over, and the packages of the others.
  private static var engines: [String] {
    let commit = ProcessInfo.processInfo.environment["PEER_BENCH_COMMIT"] ?? ""
    return (commit.isEmpty ? [] : ["varve \(commit)"])
      + installed(["librocksdb-dev", "libleveldb-dev", "liblmdb-dev", "libsqlite3-dev"])
  }

  /// How lines that are to have little memory are held to it.
  private static var limit: String {
    MemoryLimit(bytes: 1 << 30) == nil
      ? "files dropped from the page cache before each run, no limit (no control group can be made)"
      : "a control group, page cache included; files dropped from the page cache before each run"
  }

  private static func installed(_ packages: [String]) -> [String] {
    let (process, output) = (Process(), Pipe())
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["dpkg-query", "-W", "-f=${Package} ${Version}\\n"] + packages
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return [] }
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return text.split(separator: "\n").map(String.init)
  }
}
