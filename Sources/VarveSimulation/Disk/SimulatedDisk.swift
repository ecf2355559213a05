import VarveFormat
import VarvePlatform

/// The whole disk as a value: nodes by number, named by directories. Copying it is cheap.
///
/// ```
/// 1 (root) ── "store" ── 2 ── "manifest-…" ── 3
///                          └─ "log-…" ─────── 4
/// ```
struct SimulatedDisk {
  static let root = 1

  var files: [Int: FileNode] = [:]
  var directories: [Int: DirectoryNode] = [root: DirectoryNode()]
  /// How many pages of 4 KiB the disk has; nil is room for everything.
  var capacityPages: Int?
  private(set) var usedPages = 0
  private var nextNode = root + 1

  init() {}

  /// A disk at rest with these nodes; what no directory leads to is left out.
  init(files: [Int: PagedBytes], directories: [Int: [String: Int]], like disk: SimulatedDisk) {
    capacityPages = disk.capacityPages
    nextNode = disk.nextNode
    self.directories = [:]
    var open = [Self.root]
    while let number = open.popLast() {
      let entries = directories[number] ?? [:]
      self.directories[number] = DirectoryNode(atRest: entries)
      for node in entries.values where directories[node] != nil { open.append(node) }
      for node in entries.values {
        if let content = files[node] { self.files[node] = FileNode(atRest: content) }
      }
    }
    usedPages = self.files.values.reduce(0) { $0 + $1.allocatedPages }
  }

  private mutating func newNode() -> Int {
    defer { nextNode += 1 }
    return nextNode
  }
}

// MARK: - Names

extension SimulatedDisk {
  /// The node a path leads to from the root; a part that is missing throws.
  func node(at path: String, for operation: FileSystemError.Operation) throws(FileSystemError)
    -> Int
  {
    var node = Self.root
    for part in Self.parts(of: path) {
      guard let directory = directories[node] else {
        throw FileSystemError(operation, .wrongKind, path: path)
      }
      guard let next = directory.current[part] else {
        throw FileSystemError(operation, .notFound, path: path)
      }
      node = next
    }
    return node
  }

  static func parts(of path: String) -> [String] {
    path.split(separator: "/").map(String.init).filter { $0 != "." }
  }

  func entries(of directory: Int) -> [String: Int] { directories[directory]?.current ?? [:] }

  /// The number of the regular file `name`.
  func file(
    _ name: String, in directory: Int, for operation: FileSystemError.Operation
  ) throws(FileSystemError) -> Int {
    try checkEntryName(name, for: operation)
    guard let node = entries(of: directory)[name] else {
      throw FileSystemError(operation, .notFound, path: name)
    }
    guard files[node] != nil else { throw FileSystemError(operation, .wrongKind, path: name) }
    return node
  }
}

// MARK: - Entries

extension SimulatedDisk {
  mutating func makeDirectory(_ name: String, in parent: Int, step: Int) {
    let node = newNode()
    directories[node] = DirectoryNode()
    directories[parent]?.change(.link(name, node: node), step: step)
  }

  mutating func removeDirectory(_ name: String, in parent: Int, step: Int) {
    directories[parent]?.change(.unlink(name), step: step)
  }

  mutating func makeFile(
    _ name: String, in directory: Int, for operation: FileSystemError.Operation, step: Int
  ) throws(FileSystemError) -> Int {
    try checkEntryName(name, for: operation)
    guard entries(of: directory)[name] == nil else {
      throw FileSystemError(operation, .exists, path: name)
    }
    let node = newNode()
    files[node] = FileNode()
    directories[directory]?.change(.link(name, node: node), step: step)
    return node
  }

  mutating func rename(
    _ name: String, to newName: String, in directory: Int, step: Int
  ) throws(FileSystemError) {
    try checkEntryName(newName, for: .rename)
    let node = try file(name, in: directory, for: .rename)
    let replaced = entries(of: directory)[newName]
    if let replaced, files[replaced] == nil {
      throw FileSystemError(.rename, .wrongKind, path: newName)
    }
    guard replaced != node else { return }
    directories[directory]?.change(.rename(name, to: newName, node: node), step: step)
    if let replaced { unlinked(replaced) }
  }

  mutating func remove(_ name: String, in directory: Int, step: Int) throws(FileSystemError) {
    let node = try file(name, in: directory, for: .remove)
    directories[directory]?.change(.unlink(name), step: step)
    unlinked(node)
  }

  private mutating func unlinked(_ node: Int) {
    files[node]?.isLinked = false
    giveBackSpace(of: node)
  }

  mutating func opened(_ node: Int) { files[node]?.openHandles += 1 }

  mutating func closed(_ node: Int) {
    files[node]?.openHandles -= 1
    giveBackSpace(of: node)
  }

  /// Takes every handle away, as the end of a process does.
  mutating func closeAll() {
    for (node, file) in files {
      files[node]?.openHandles = 0
      if !file.isLinked { usedPages -= file.allocatedPages }
    }
    forgetLostFiles()
  }

  /// A file that is neither named nor open takes no room.
  private mutating func giveBackSpace(of node: Int) {
    guard let file = files[node], !file.isLinked, file.openHandles == 0 else { return }
    usedPages -= file.allocatedPages
    forgetLostFiles()
  }

  /// Drops files that no crash can bring back.
  private mutating func forgetLostFiles() {
    let reachable = directories.values.reduce(into: Set<Int>()) { $0.formUnion($1.reachable) }
    files = files.filter { number, file in
      file.openHandles > 0 || file.isLinked || reachable.contains(number)
    }
  }
}

// MARK: - Contents

extension SimulatedDisk {
  /// Puts a file at rest, in place of what had the name.
  mutating func place(
    _ bytes: [UInt8], _ name: String, in directory: Int
  ) throws(FileSystemError) {
    try checkEntryName(name, for: .create)
    if let replaced = entries(of: directory)[name] { unlinked(replaced) }
    var content = PagedBytes()
    bytes.withByteView { content.write($0, at: 0) }
    let file = FileNode(atRest: content)
    let node = newNode()
    files[node] = file
    usedPages += file.allocatedPages
    directories[directory]?.place(name, node)
  }

  /// Writes `bytes`, or as many of them as the disk has room for before throwing `.full`.
  mutating func write(
    _ bytes: ByteView, at offset: Int, to node: Int, name: String, step: Int
  ) throws(FileSystemError) {
    let fitting = files[node]?.bytesFitting(in: freePages, at: offset, count: bytes.count) ?? 0
    change(node) { $0.write(bytes.prefix(fitting), at: offset, step: step) }
    guard fitting == bytes.count else { throw FileSystemError(.write, .full, path: name) }
  }

  mutating func reserve(_ size: Int, for node: Int, name: String) throws(FileSystemError) {
    guard let file = files[node], file.pagesNeeded(at: 0, count: size) <= freePages else {
      throw FileSystemError(.reserve, .full, path: name)
    }
    change(node) { $0.reserve(size) }
  }

  mutating func resize(_ node: Int, to size: Int, step: Int) {
    change(node) { $0.resize(to: size, step: step) }
  }

  private var freePages: Int {
    guard let capacityPages else { return .max }
    return max(0, capacityPages - usedPages)
  }

  /// Changes one file and keeps count of the room it takes.
  mutating func change(_ node: Int, _ body: (inout FileNode) -> Void) {
    guard var file = files.removeValue(forKey: node) else { return }
    usedPages -= file.allocatedPages
    body(&file)
    usedPages += file.allocatedPages
    files[node] = file
  }
}
