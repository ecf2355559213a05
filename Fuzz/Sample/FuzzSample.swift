import Foundation
import VarveFormat
import VarvePlatform

/// A target given its corpus, and what a few thousand seeded changes make of it.
///
/// Each input is in a file before it is read: where the process ends with it, it is known.
final class FuzzSample {
  private static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent()

  /// What broke a promise.
  struct Finding: CustomStringConvertible {
    var promise: String
    var input: String
    var bytes: [UInt8]
    var path: String

    var description: String {
      let digits = bytes.prefix(400).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
      return "broken promise: \(promise); by \(input), kept as \(path): \(digits.joined())"
    }
  }

  let target: FuzzTarget
  /// By name: the corpus, and what was found before.
  let inputs: [(name: String, bytes: [UInt8])]
  private let path: String
  private let file: FileHandle
  private(set) var executions = 0

  init(_ target: FuzzTarget, inputs: [(name: String, bytes: [UInt8])]? = nil) throws {
    self.target = target
    self.inputs =
      try inputs
      ?? ["Corpus", "Regressions"].flatMap {
        try Self.files(in: Self.root.appending(path: "\($0)/\(target.name)"))
      }
    path =
      FileManager.default.temporaryDirectory
      .appending(path: "varve-fuzz-\(target.name)-\(ProcessInfo.processInfo.processIdentifier)")
      .path
    guard FileManager.default.createFile(atPath: path, contents: nil),
      let file = FileHandle(forWritingAtPath: path)
    else { throw CocoaError(.fileWriteUnknown) }
    self.file = file
    let what = "fuzz sample \(target.name): should this process end, the input is in \(path)\n"
    FileHandle.standardError.write(Data(what.utf8))
  }

  private static func files(in folder: URL) throws -> [(name: String, bytes: [UInt8])] {
    guard FileManager.default.fileExists(atPath: folder.path) else { return [] }
    return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map {
      (
        "\(folder.lastPathComponent)/\($0)",
        [UInt8](try Data(contentsOf: folder.appending(path: $0)))
      )
    }
  }

  /// Forgets the file of the last input, where no finding needs it.
  func end() { try? FileManager.default.removeItem(atPath: path) }
}

// MARK: - Running

extension FuzzSample {
  /// The ways that differ here: ``Way/off`` needs the linker.
  var ways: [Way] {
    target.sign == nil && target.change == nil ? [.checked] : [.checked, .resigned]
  }

  /// Reads every input as it is.
  func readAll() throws -> Finding? {
    for (name, bytes) in inputs {
      if let finding = try read(bytes, as: name, .checked) { return finding }
    }
    return nil
  }

  /// Reads changed inputs until so many were read, or so much time is over.
  func readChanged(_ way: Way, atMost most: Int, for time: Duration) throws -> Finding? {
    let session = Session(target, way)
    let mutator = SampleMutator(others: inputs.map(\.bytes))
    let end = ContinuousClock.now + time
    for number in 0..<most where ContinuousClock.now < end {
      var change = Change(
        seed: UInt64(number), limit: target.maximumBytes, by: mutator.changed)
      let (name, bytes) = inputs.isEmpty ? ("nothing", []) : inputs[change.below(inputs.count)]
      let changed = Array(session.changed(bytes, by: &change).prefix(target.maximumBytes))
      if let finding = try read(changed, as: "\(name), \(way), change \(number)", way) {
        return finding
      }
    }
    return nil
  }

  private func read(_ bytes: [UInt8], as name: String, _ way: Way) throws -> Finding? {
    try file.seek(toOffset: 0)
    try file.write(contentsOf: Data(bytes))
    try file.truncate(atOffset: UInt64(bytes.count))
    executions += 1
    // In memory of just its size, so that the sanitizer sees a step beyond it.
    let buffer = AlignedBuffer(capacity: bytes.count)
    bytes.withByteView { buffer.copy($0) }
    defer { withExtendedLifetime(buffer) {} }
    let broken = BrokenPromises.during { Session(target, way).run(buffer.view()) }
    guard let first = broken.first else { return nil }
    let kept = "\(path)-found"
    try Data(bytes).write(to: URL(filePath: kept))
    return Finding(promise: first, input: name, bytes: bytes, path: kept)
  }
}
