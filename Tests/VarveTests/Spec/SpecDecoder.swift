import Foundation

/// `tools/spec-decoder`, run beside the test.
enum SpecDecoder {
  /// The project's own folder.
  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  /// Whether `tools/setup` made the environment that has the codecs.
  static let isInstalled = FileManager.default.isExecutableFile(
    atPath: root + "/.venv/bin/python")

  static func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(filePath: root + "/.venv/bin/python")
    process.arguments = [root + "/tools/spec-decoder"] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }
}
