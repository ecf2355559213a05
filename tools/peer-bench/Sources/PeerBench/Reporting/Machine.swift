import Foundation

/// Where a run was made and with what.
struct Machine: Encodable {
  let processor: String
  let cores = ProcessInfo.processInfo.processorCount
  let memoryBytes = ProcessInfo.processInfo.physicalMemory
  let system: String
  let libraries: [String]
  /// How workloads that are to have little memory are held to it.
  let limit: String

  init() {
    let processors = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let model = processors.split(separator: "\n").first { $0.hasPrefix("model name") }
    processor =
      model?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "?"
    var name = utsname()
    uname(&name)
    system = withUnsafeBytes(of: name.release) { bytes in
      "Linux " + String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    libraries = Self.installed([
      "librocksdb-dev", "libleveldb-dev", "liblmdb-dev", "libsqlite3-dev",
    ])
    limit =
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

  var lines: [String] {
    [
      "\(processor), \(cores) cores, \(memoryBytes >> 30) GiB, \(system)",
      libraries.joined(separator: ", "),
      "limited lines: \(limit)",
    ].filter { !$0.isEmpty }
  }
}
