import VarveFormat
import VarvePlatform

/// An open directory of a simulated disk.
final class SimulatedDirectory: Directory {
  let path: String
  private let system: SimulatedFileSystem
  private let node: Int
  /// The last part of the path, by which faults and syncs are told apart.
  private let name: String

  init(_ system: SimulatedFileSystem, path: String, node: Int) {
    self.system = system
    self.path = path
    self.node = node
    name = SimulatedDisk.parts(of: path).last ?? "/"
  }

  var identity: FileIdentity {
    FileIdentity(device: system.device, inode: UInt64(node))
  }

  func names() throws(FileSystemError) -> [String] {
    try system.call(.list, name, isStep: false) { state throws(FileSystemError) in
      // In no order that anyone could come to rely on, yet the same in every run.
      state.disk.entries(of: node).keys.sorted { Self.shuffle($0) < Self.shuffle($1) }
    }
  }

  private static func shuffle(_ name: String) -> UInt64 {
    let mixed = name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    var generator = SplitMix64(seed: mixed)
    return generator.next()
  }

  func status(of name: String) throws(FileSystemError) -> FileStatus? {
    try checkEntryName(name, for: .status)
    return try system.call(.status, name, isStep: false) { state throws(FileSystemError) in
      guard let node = state.disk.entries(of: node)[name] else { return nil }
      guard let file = state.disk.files[node] else {
        return FileStatus(size: 0, isRegularFile: false)
      }
      return FileStatus(size: UInt64(file.current.count), isRegularFile: true)
    }
  }

  func rename(_ name: String, to newName: String) throws(FileSystemError) {
    try system.call(.rename, name, isStep: true) { state throws(FileSystemError) in
      try state.disk.rename(name, to: newName, in: node, step: state.steps)
    }
  }

  func renameNew(_ name: String, to newName: String) throws(FileSystemError) {
    try system.call(.rename, name, isStep: true) { state throws(FileSystemError) in
      guard state.disk.entries(of: node)[newName] == nil else {
        throw FileSystemError(.rename, .exists, path: newName)
      }
      try state.disk.rename(name, to: newName, in: node, step: state.steps)
    }
  }

  func remove(_ name: String) throws(FileSystemError) {
    try system.call(.remove, name, isStep: true) { state throws(FileSystemError) in
      try state.disk.remove(name, in: node, step: state.steps)
    }
  }

  func sync() throws(FileSystemError) { try system.syncDirectory(node, named: name) }
}

// MARK: - Opening

extension SimulatedDirectory {
  func create(_ name: String) throws(FileSystemError) -> any File { try make(name) }

  private func make(_ name: String) throws(FileSystemError) -> SimulatedFile {
    let handle = try system.call(.create, name, isStep: true) { state throws(FileSystemError) in
      let file = try state.disk.makeFile(name, in: node, for: .create, step: state.steps)
      return state.open(file, label: "file \(name)", isWritable: true)
    }
    return SimulatedFile(system, name, handle: handle)
  }

  func open(_ name: String) throws(FileSystemError) -> any File {
    try open(name, isWritable: false)
  }

  func openForWriting(_ name: String) throws(FileSystemError) -> any File {
    try open(name, isWritable: true)
  }

  private func open(
    _ name: String, isWritable: Bool
  ) throws(FileSystemError) -> SimulatedFile {
    let handle = try system.call(.open, name, isStep: false) { state throws(FileSystemError) in
      state.open(
        try state.disk.file(name, in: node, for: .open), label: "file \(name)",
        isWritable: isWritable)
    }
    return SimulatedFile(system, name, handle: handle)
  }

  func createLog(_ name: String, capacity: UInt64) throws(FileSystemError) -> any LogFile {
    let file = try make(name)
    do {
      try file.prepare(capacity)
    } catch {
      try? remove(name)
      throw error
    }
    return SimulatedLogFile(file, capacity: capacity, isReusable: system.logsAreReusable)
  }

  func map(_ name: String, size: UInt64) throws(FileSystemError) -> MappedFile {
    let (copy, handle) = try system.call(.map, name, isStep: false) {
      state throws(FileSystemError) in
      let file = try state.disk.file(name, in: node, for: .map)
      let content = state.disk.files[file]?.current ?? PagedBytes()
      guard UInt64(content.count) == size else {
        throw FileSystemError(
          .map, .size(expected: size, found: UInt64(content.count)), path: name)
      }
      let copy = AlignedBuffer(capacity: content.count)
      content.read(content.count, at: 0).withByteView { copy.copy($0) }
      return (copy, state.open(file, label: "mapping \(name)", mapped: copy))
    }
    return MappedFile(name: name, bytes: copy.view()) { [system] in
      // Keeps the copy as long as the mapping.
      withExtendedLifetime(copy) { system.state.withLock { $0.close(handle) } }
    }
  }

  func lock(_ name: String, isShared: Bool) throws(FileSystemError) -> any FileLock {
    let exists = try status(of: name) != nil || isShared
    let (file, handle) = try system.call(.lock, name, isStep: !exists) {
      state throws(FileSystemError) in
      // Another thread may have made it since; only then is this step one too many.
      let file =
        exists || state.disk.entries(of: node)[name] != nil
        ? try state.disk.file(name, in: node, for: .lock)
        : try state.disk.makeFile(name, in: node, for: .lock, step: state.steps)
      switch (state.lockedNodes[file], isShared) {
      case (nil, true): state.lockedNodes[file] = 1
      case (nil, false): state.lockedNodes[file] = 0
      case (let sharers?, true) where sharers > 0: state.lockedNodes[file] = sharers + 1
      default: throw FileSystemError(.lock, .locked, path: name)
      }
      return (file, state.open(file, label: "lock \(name)"))
    }
    return SimulatedLock(system, node: file, handle: handle)
  }
}

/// A lock on a file of a simulated disk.
final class SimulatedLock: FileLock {
  private let system: SimulatedFileSystem
  private let node: Int
  private let handle: Int
  private let isHeld = Monitor(true)

  init(_ system: SimulatedFileSystem, node: Int, handle: Int) {
    self.system = system
    self.node = node
    self.handle = handle
  }

  deinit { release() }

  func release() {
    let wasHeld = isHeld.withLock { held in
      defer { held = false }
      return held
    }
    guard wasHeld else { return }
    system.state.withLock { state in
      let left = (state.lockedNodes[node] ?? 0) - 1
      state.lockedNodes[node] = left > 0 ? left : nil
      state.close(handle)
    }
  }
}
