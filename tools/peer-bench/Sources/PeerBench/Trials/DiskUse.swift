import Foundation

enum DiskUse {
  /// Bytes that the files in `directory` take on disk.
  static func bytes(in directory: String) -> Int {
    files(in: directory).reduce(0) { total, path in
      var status = stat()
      guard lstat(path, &status) == 0 else { return total }
      return total + Int(status.st_blocks) * 512
    }
  }

  static func files(in directory: String) -> [String] {
    let names = FileManager.default.enumerator(atPath: directory) ?? .init()
    return names.compactMap { name in
      var status = stat()
      guard let name = name as? String, lstat("\(directory)/\(name)", &status) == 0,
        status.st_mode & S_IFMT == S_IFREG
      else { return nil }
      return "\(directory)/\(name)"
    }
  }

  /// Lets the system forget what it has of these files in memory.
  static func dropFromMemory(_ directory: String) {
    for path in files(in: directory) {
      let file = open(path, O_RDONLY)
      guard file >= 0 else { continue }
      fsync(file)
      posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
      close(file)
    }
  }
}
