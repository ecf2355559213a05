import Foundation

/// A control group that holds a process, its page cache included, to so many bytes.
final class MemoryLimit {
  let path: String

  /// Nil where no such group can be made: it takes Linux and usually root.
  init?(bytes: Int) {
    let name = "peer-bench-\(getpid())"
    let places = [
      ("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/unified", "memory.max"),
      ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
    ]
    for (parent, limit) in places {
      let path = "\(parent)/\(name)"
      guard mkdir(path, 0o755) == 0 else { continue }
      let isLimited =
        FileManager.default.fileExists(atPath: "\(path)/\(limit)")
        && Self.write(String(bytes), to: "\(path)/\(limit)")
      if isLimited {
        self.path = path
        return
      }
      rmdir(path)
    }
    return nil
  }

  deinit { rmdir(path) }

  /// Takes this process into the group at `path`.
  static func join(_ path: String) throws {
    guard write(String(getpid()), to: path + "/cgroup.procs") else {
      throw PeerFailure(description: "cannot join the control group \(path)")
    }
  }

  private static func write(_ text: String, to path: String) -> Bool {
    let file = open(path, O_WRONLY)
    guard file >= 0 else { return false }
    defer { close(file) }
    return Foundation.write(file, text, text.utf8.count) == text.utf8.count
  }
}
