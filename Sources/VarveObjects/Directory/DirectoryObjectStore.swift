import VarveFormat
package import VarvePlatform

/// Objects as files of a directory: of this machine, or of a mount that several machines share.
///
/// ```
///   path/seg/5f/0001-…      the object seg/5f/0001-…
///   path/seg/5f/~3c7a…      one that is being written: a name that no object can have
/// ```
///
/// An object is written under a temporary name, synced, and then given its own: it is seen whole or not
/// at all. Where it must not exist yet that is a link, which fails where there is one, on network mounts
/// too. Names are synced before a write returns. There are no storage classes.
public final class DirectoryObjectStore: ObjectStore {
  static let pieceBytes = 1 << 20
  static let temporaryMark = "~"

  /// The path of the directory, from the root.
  public let location: String
  /// True: a link is made by one of those who race.
  public var createsAtomically: Bool { true }
  /// False: a name is seen before the sync that makes it durable, and where that fails.
  public var showsOnlyDurable: Bool { false }

  private let fileSystem: any FileSystem
  private let random: any RandomSource
  /// What stood at the path when it was opened.
  private let identity: FileIdentity
  /// Directories that were opened, by their path below ours; nil once the store is closed.
  private let directories: Monitor<[String: any Directory]?>

  /// Objects in the directory `path`.
  ///
  /// - Parameters:
  ///   - path: where it is; a relative one is named from the root from here on.
  ///   - create: makes the directory where it is missing; its parent must be there. Where it must exist, as below
  ///     a mount that may be away, say false: then `.absent` is thrown.
  public convenience init(path: String, create: Bool = true) throws(ObjectStoreError) {
    try self.init(
      path: PosixPath.absolute(path), create: create, fileSystem: PosixFileSystem(),
      random: SystemRandom())
  }

  /// The same in any file system.
  package init(
    path: String, create: Bool = true, fileSystem: any FileSystem, random: any RandomSource
  ) throws(ObjectStoreError) {
    location = path
    self.fileSystem = fileSystem
    self.random = random
    do throws(FileSystemError) {
      let directory = try fileSystem.openDirectory(at: path, create: create)
      identity = try directory.identity
      directories = Monitor(["": directory])
    } catch {
      throw ObjectStoreError(error, path)
    }
  }

  /// Ends the use of the directory; calls that are under way are finished.
  public func close() { directories.withLock { $0 = nil } }
}

// MARK: - Writing

extension DirectoryObjectStore {
  /// Writes a temporary file, syncs it, and gives it its name. Three syncs at most.
  public func put(
    _ name: ObjectName, _ content: ObjectContent, if condition: PutCondition,
    class storageClass: StorageClass?
  ) throws(ObjectStoreError) -> ObjectReceipt {
    guard storageClass == nil else { throw Self.noClasses(name) }
    let (path, file) = name.parted
    let directory = try required(path, creating: true)
    let temporary = temporaryName()
    let modified: UInt64
    do throws(ObjectStoreError) {
      modified = try write(content, to: temporary, in: directory, name)
      try publish(temporary, as: file, in: directory, if: condition, name)
    } catch {
      // What is thrown is why; what is left is removed with other leftovers.
      try? directory.remove(temporary)
      throw error
    }
    // The time of the content, from before it had its name: nothing that others did meanwhile is younger.
    return ObjectReceipt(serverTime: condition == .absent ? nil : modified)
  }

  /// Of a file that is being written: no object can have it.
  func temporaryName() -> String { Self.temporaryMark + String(random.next(), radix: 16) }

  /// Writes a durable file; returns when it was written, by the file system's clock.
  private func write(
    _ content: ObjectContent, to temporary: String, in directory: any Directory, _ name: ObjectName
  ) throws(ObjectStoreError) -> UInt64 {
    let file = try named(name) { () throws(FileSystemError) in try directory.create(temporary) }
    // After an error nothing was promised of it.
    defer { try? file.close() }
    var offset: UInt64 = 0
    var digest = SHA256()
    try content.forEachPiece(of: Self.pieceBytes) { piece throws(ObjectStoreError) in
      try named(name) { () throws(FileSystemError) in
        try piece.withByteView { view throws(FileSystemError) in
          digest.append(view)
          try file.write(view, at: offset)
        }
      }
      offset += UInt64(piece.count)
    }
    if let expected = content.sha256, digest.digest() != expected {
      throw ObjectStoreError(
        .damaged, "what was read to be written has another digest than it had before",
        object: name.description)
    }
    return try named(name) { () throws(FileSystemError) in
      try file.sync()
      return try directory.status(of: temporary)?.modified ?? 0
    }
  }

  private func publish(
    _ temporary: String, as file: String, in directory: any Directory, if condition: PutCondition,
    _ name: ObjectName
  ) throws(ObjectStoreError) {
    do throws(FileSystemError) {
      switch condition {
      case .always: try directory.rename(temporary, to: file)
      case .absent: try directory.renameNew(temporary, to: file)
      }
      try directory.sync()
    } catch {
      // A rename or a link that fails has changed nothing.
      if error.operation == .rename { throw ObjectStoreError(error, name.description) }
      // The name may be there, and may stay.
      throw ObjectStoreError(.uncertain, error.description, object: name.description)
    }
  }

  /// Removes files, and syncs the directories they were in.
  public func remove(_ names: [ObjectName]) throws(ObjectStoreError) {
    var touched: [String: any Directory] = [:]
    for name in names {
      let (path, file) = name.parted
      guard let directory = try directory(path) else { continue }
      do throws(FileSystemError) { try directory.remove(file) } catch {
        guard error.reason == .notFound else { throw ObjectStoreError(error, name.description) }
      }
      touched[path] = directory
    }
    for (path, directory) in touched {
      do throws(FileSystemError) { try directory.sync() } catch {
        throw ObjectStoreError(error, path)
      }
    }
  }

  /// Throws `.unsupported`: a directory has no storage classes.
  public func copy(
    _ name: ObjectName, to newName: ObjectName, class storageClass: StorageClass
  ) throws(ObjectStoreError) { throw Self.noClasses(name) }

  /// Throws `.unsupported`: a directory has no storage classes.
  public func restore(_ name: ObjectName, days: Int) throws(ObjectStoreError) {
    throw Self.noClasses(name)
  }

  private static func noClasses(_ name: ObjectName) -> ObjectStoreError {
    ObjectStoreError(
      .unsupported, "a directory has no storage classes", object: name.description)
  }
}

// MARK: - Reading

extension DirectoryObjectStore {
  /// Reads from the file, by one read of the system.
  public func read(
    _ name: ObjectName, _ range: ObjectRange
  ) throws(ObjectStoreError) -> ObjectPart {
    let (path, file) = name.parted
    guard let directory = try directory(path) else { throw Self.absent(name) }
    return try named(name) { () throws(FileSystemError) in
      let open = try open(file, in: directory)
      defer { try? open.close() }
      let size = try open.size()
      let part = range.resolved(in: size)
      let buffer = AlignedBuffer(capacity: part.count)
      let count = try open.read(into: buffer, count: part.count, at: part.lowerBound)
      return ObjectPart(
        bytes: buffer.view(count: count).array, offset: part.lowerBound, objectSize: size,
        serverTime: nil)
    }
  }

  /// Looks at the file.
  public func status(of name: ObjectName) throws(ObjectStoreError) -> ObjectStatus? {
    let (path, file) = name.parted
    guard let directory = try directory(path) else { return nil }
    return try named(name) { () throws(FileSystemError) in
      guard let status = try directory.status(of: file), status.isRegularFile else {
        try checkRoot()
        return nil
      }
      return ObjectStatus(size: status.size, modified: status.modified)
    }
  }

  private func open(
    _ file: String, in directory: any Directory
  ) throws(FileSystemError) -> any File {
    do throws(FileSystemError) { return try directory.open(file) } catch {
      if error.reason == .notFound { try checkRoot() }
      throw error
    }
  }

  private static func absent(_ name: ObjectName) -> ObjectStoreError {
    ObjectStoreError(.absent, "there is no such object", object: name.description)
  }
}

// MARK: - Directories

extension DirectoryObjectStore {
  /// The directory at `path` below ours; nil where there is none.
  func directory(
    _ path: String, creating: Bool = false
  ) throws(ObjectStoreError) -> (any Directory)? {
    try directories.withLock { known throws(ObjectStoreError) in
      guard known != nil else { throw Self.closed }
      if let found = known?[path] { return found }
      do throws(FileSystemError) {
        let found = try open(path, creating: creating)
        // Of one in which nothing is yet the name may not be durable: whoever made it may have died before. Who
        // puts something there sees to it.
        if !creating, try found.names().isEmpty { return found }
        known?[path] = found
        return found
      } catch {
        if !creating, error.reason == .notFound || error.reason == .wrongKind {
          try at(path) { () throws(FileSystemError) in try checkRoot() }
          return nil
        }
        throw ObjectStoreError(error, path)
      }
    }
  }

  private func required(_ path: String, creating: Bool) throws(ObjectStoreError) -> any Directory {
    guard let found = try directory(path, creating: creating) else {
      throw ObjectStoreError(.absent, "there is no such directory", object: path)
    }
    return found
  }

  /// Opens a directory below ours, and makes each one on the way and its name durable.
  private func open(_ path: String, creating: Bool) throws(FileSystemError) -> any Directory {
    if creating {
      try checkRoot()
      for (index, byte) in path.utf8.enumerated() where byte == UInt8(ascii: "/") {
        let above = String(decoding: path.utf8.prefix(index), as: UTF8.self)
        _ = try fileSystem.openDirectory(at: "\(location)/\(above)", create: true)
      }
    }
    return try fileSystem.openDirectory(at: "\(location)/\(path)", create: creating)
  }

  /// Throws where the path leads elsewhere, or nowhere, since it was opened: what is missing below it then is
  /// not gone.
  private func checkRoot() throws(FileSystemError) {
    do throws(FileSystemError) {
      let found = try fileSystem.openDirectory(at: location, create: false).identity
      if found == identity { return }
    } catch {
      guard error.reason == .notFound || error.reason == .wrongKind else { throw error }
    }
    let away = "the directory is gone, or another stands in its place"
    throw FileSystemError(.openDirectory, .remote(.init(.unavailable, away)), path: location)
  }

  private static var closed: ObjectStoreError {
    ObjectStoreError(.cancelled, "the object store was closed")
  }

  /// Lends `body`'s failures the name of the object.
  func named<Result>(
    _ name: ObjectName, _ body: () throws(FileSystemError) -> Result
  ) throws(ObjectStoreError) -> Result {
    do throws(FileSystemError) { return try body() } catch {
      throw ObjectStoreError(error, name.description)
    }
  }
}

extension ObjectStoreError {
  init(_ error: FileSystemError, _ object: String) {
    let code: Code =
      switch error.reason {
      case .notFound, .wrongKind: .absent
      case .exists: .exists
      case .full: .full
      case .permission: .denied
      default: .unavailable
      }
    self.init(code, error.description, object: object)
  }
}

extension ObjectName {
  /// The directories on the way, and the name in the last of them.
  var parted: (directory: String, file: String) {
    guard let slash = description.utf8.lastIndex(of: UInt8(ascii: "/")) else {
      return ("", description)
    }
    return (
      String(description[..<slash]), String(description[description.utf8.index(after: slash)...])
    )
  }
}

extension ObjectRange {
  /// The bytes it means in an object of `size` bytes.
  package func resolved(in size: UInt64) -> Range<UInt64> {
    switch self {
    case .bytes(let offset, let count):
      let start = min(offset, size)
      return start..<start + min(size - start, UInt64(max(0, count)))
    case .suffix(let count): return size - min(size, UInt64(max(0, count)))..<size
    }
  }
}
