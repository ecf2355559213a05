import Varve
import VarveFormat
import VarvePlatform

/// Dumps what a path names: one file, or a store's directory. Takes no lock and changes nothing.
struct StoreDump {
  private let writer: DumpWriter
  private let files = PosixFileSystem()

  init(_ writer: DumpWriter) { self.writer = writer }

  func run(_ path: String) throws {
    guard !path.isEmpty else { throw CommandFailure("an empty path names nothing") }
    if let directory = try directory(path) {
      try dumpStore(directory, path)
    } else {
      let (parent, name) = Self.split(path)
      guard let directory = try directory(parent) else {
        throw CommandFailure("\(parent) is not a directory")
      }
      try dumpFile(name, as: Self.title(of: path), directory, path)
    }
  }

  /// The directory and the last part of a path.
  static func split(_ path: String) -> (directory: String, name: String) {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", path) }
    let parent = slash == path.startIndex ? "/" : String(path[..<slash])
    return (parent, String(path[path.utf8.index(after: slash)...]))
  }

  /// What a file is called: an object of a bucket with the folder that says what it is.
  static func title(of path: String) -> String {
    let (parent, name) = split(path)
    let object = "\(split(parent).name)/\(name)"
    return FileName(parsing: name) == nil && ObjectPlace(parsing: object) != nil ? object : name
  }

  /// The open directory, or nil where `path` is something else. The dot follows a link to one.
  private func directory(_ path: String) throws -> (any Directory)? {
    do throws(FileSystemError) {
      return try files.openDirectory(at: path + "/.", create: false)
    } catch {
      if error.reason == .wrongKind { return nil }
      throw Self.failure(error, path)
    }
  }

  private static func failure(_ error: FileSystemError, _ path: String) -> CommandFailure {
    CommandFailure("\(path): \(error.operation.rawValue) failed (\(error.reason))")
  }
}

// MARK: - One file

extension StoreDump {
  private func dumpFile(
    _ name: String, as title: String? = nil, _ directory: any Directory, _ path: String
  ) throws {
    let contents: FileContents
    do throws(FileSystemError) {
      contents = try FileContents(of: name, in: directory)
    } catch {
      throw Self.failure(error, path)
    }
    try contents.withBytes { bytes throws in
      try FileDump(writer: writer).run(bytes, name: title ?? name)
    }
  }
}

// MARK: - A directory

extension StoreDump {
  private func dumpStore(_ directory: any Directory, _ path: String) throws {
    let names: [String]
    do throws(FileSystemError) { names = try directory.names() } catch {
      throw Self.failure(error, path)
    }
    let found = names.compactMap(FileName.init(parsing:)).sorted { $0.number < $1.number }
    guard let newest = found.last(where: { $0.kind == .manifest }) else {
      throw CommandFailure("\(path) is not a store: it has no manifest")
    }
    let live = liveFiles(newest, directory)
    for file in found { try list(file, directory, live?.contains(file)) }
    for name in names.sorted() where FileName(parsing: name) == nil {
      var item = DumpItem("other")
      item.add("name", name)
      writer.write(item)
    }
    try dumpFile(newest.description, directory, path)
    guard writer.showsBlocks else { return }
    for file in found where file.kind != .manifest && live?.contains(file) != false {
      try dumpFile(file.description, directory, path)
    }
  }

  private func list(
    _ file: FileName, _ directory: any Directory, _ isLive: Bool?
  ) throws {
    var item = DumpItem("file")
    item.add("name", file.description)
    // Gone meanwhile: a running writer removed it.
    guard let status = try? directory.status(of: file.description) else { return }
    item.length = status.size
    if let isLive { item.add("live", isLive) }
    writer.write(item)
  }

  /// What the newest manifest needs; logs at or above its floor count as live. Nil where it cannot
  /// be read: its own dump then says why.
  private func liveFiles(_ newest: FileName, _ directory: any Directory) -> Set<FileName>? {
    guard let contents = try? FileContents(of: newest.description, in: directory) else {
      return nil
    }
    return contents.withBytes { bytes in
      guard let manifest = try? Manifest(decoding: bytes) else { return nil }
      var live: Set<FileName> = [newest]
      live.formUnion(manifest.segments.map { FileName(.segment, $0.number) })
      live.formUnion(manifest.valueFiles.map { FileName(.values, $0.number) })
      live.formUnion(logs(in: directory).filter { $0.number >= manifest.logFloor })
      return live
    }
  }

  private func logs(in directory: any Directory) -> [FileName] {
    ((try? directory.names()) ?? []).compactMap(FileName.init(parsing:)).filter { $0.kind == .log }
  }
}
