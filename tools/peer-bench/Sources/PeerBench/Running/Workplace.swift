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

  func makeDirectory() throws -> String {
    let directory = nextName()
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: false)
    return directory
  }

  /// A copy of a closed store.
  func copy(_ directory: String) throws -> String {
    let copy = nextName()
    try FileManager.default.copyItem(atPath: directory, toPath: copy)
    return copy
  }

  private func nextName() -> String {
    made += 1
    return "\(path)/\(made)"
  }

  /// What is left on the disk.
  var freeBytes: Int {
    var status = statvfs()
    return statvfs(path, &status) == 0 ? Int(status.f_bavail * status.f_frsize) : 0
  }

  func remove(_ directory: String) { try? FileManager.default.removeItem(atPath: directory) }

  func removeAll() { remove(path) }
}
