import Foundation

/// A fresh directory for the stores of one run, removed at its end.
final class Workplace {
  let path: String
  private var made = 0

  init(below parent: String) throws {
    path = parent + "/peer-bench-\(getpid())"
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: false)
  }

  func makeDirectory(for name: String) throws -> String {
    made += 1
    let directory = "\(path)/\(made)-\(name)"
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: false)
    return directory
  }

  func remove(_ directory: String) { try? FileManager.default.removeItem(atPath: directory) }

  func removeAll() { remove(path) }

  /// Bytes that the files in `directory` take on disk.
  func bytesOnDisk(in directory: String) -> Int {
    var total = 0
    for name in FileManager.default.enumerator(atPath: directory) ?? .init() {
      var status = stat()
      guard let name = name as? String, lstat("\(directory)/\(name)", &status) == 0,
        status.st_mode & S_IFMT == S_IFREG
      else { continue }
      total += Int(status.st_blocks) * 512
    }
    return total
  }
}
