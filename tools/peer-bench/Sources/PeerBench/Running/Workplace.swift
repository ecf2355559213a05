import Foundation

/// A fresh directory for the stores of one run, removed at its end.
final class Workplace {
  let path: String
  private static let prefix = "peer-bench-"
  private var made = 0

  init(below parent: String) throws {
    path = "\(parent)/\(Self.prefix)\(getpid())"
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: false)
  }

  /// What runs have left that were killed: many gigabytes, perhaps.
  static func abandoned(below parent: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
    return names.sorted().compactMap { name in
      guard name.hasPrefix(prefix), let owner = pid_t(name.dropFirst(prefix.count)),
        kill(owner, 0) != 0, errno == ESRCH
      else { return nil }
      return "\(parent)/\(name)"
    }
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
    do { try FileManager.default.copyItem(atPath: directory, toPath: copy) } catch {
      remove(copy)
      throw error
    }
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
