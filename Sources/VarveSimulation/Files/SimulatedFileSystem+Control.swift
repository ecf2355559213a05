import VarveFormat
package import VarvePlatform

// MARK: - Steps and crashes

extension SimulatedFileSystem {
  /// How many calls that can change the disk were made so far.
  package var steps: Int { state.withLock { $0.steps } }

  /// Lets the machine die in the call with this number, counted from 1 since it was made. The call
  /// may have had its effect; it and every later call throw.
  package func crash(atStep step: Int) { state.withLock { $0.crashStep = step } }

  package var hasCrashed: Bool { state.withLock { $0.hasCrashed } }

  /// Lets the machine die now.
  package func crash() { state.withLock { $0.hasCrashed = true } }

  /// A machine that starts again with what the disk could hold after a power cut now: nothing is
  /// open or locked, and no fault is planned. The same seed gives the same disk.
  package func crashImage(_ mode: CrashMode, seed: UInt64 = 0) -> SimulatedFileSystem {
    let disk = state.withLock { $0.disk }
    var random = SplitMix64(seed: seed)
    let image = disk.crashed(mode, using: &random)
    return successor(image, seed: random.next())
  }

  /// The machine after the process died and nothing else did: nothing is open or locked, every call has
  /// had its effect, and what no sync made durable can still be lost by a power cut.
  package func killImage(seed: UInt64 = 0) -> SimulatedFileSystem {
    var (disk, steps) = state.withLock { ($0.disk, $0.steps) }
    disk.closeAll()
    let image = successor(disk, seed: seed)
    // What is pending goes by the numbers of the calls: later ones are higher.
    image.state.withLock { $0.steps = steps }
    return image
  }

  /// Calls `observer` before each step, outside all locks: the place to take a crash image of every
  /// moment in one run, instead of one run for each moment.
  package func observeSteps(_ observer: (@Sendable (Step) -> Void)?) {
    // What the one before held is dropped here and not under the lock.
    _ = state.withLock { state in
      let before = state.observer
      state.observer = observer
      return before
    }
  }

  /// The steps since ``recordTrace()``, for the report of a failure.
  package var trace: [Step] { state.withLock { $0.trace ?? [] } }

  package func recordTrace() { state.withLock { $0.trace = [] } }
}

// MARK: - Faults

extension SimulatedFileSystem {
  package func inject(_ fault: Fault) { state.withLock { $0.faults.append(fault) } }

  /// The first call that a fault hit; nil while none did.
  package var struck: StruckCall? { state.withLock { $0.struck } }

  /// The names of the files, or the last parts of directories' paths, on which faults hit calls.
  package var struckNames: Set<String> { state.withLock { $0.struckNames } }

  package func clearFaults() { state.withLock { $0.faults = [] } }

  /// How syncs fail that a fault hits.
  package func setFailedSync(_ behaviour: FailedSync) {
    state.withLock { $0.failedSync = behaviour }
  }

  /// Makes the syncs for which `isIgnored` holds do nothing and say they did: a crash test that
  /// passes all the same cannot see that sync missing.
  package func ignoringSync(
    where isIgnored: @escaping @Sendable (FileSystemError.Operation, String) -> Bool
  ) {
    state.withLock { $0.ignoresSync = isIgnored }
  }

  /// Gives the disk room for so many bytes, in whole pages of 4 KiB; nil for room without end.
  package func setCapacity(bytes: Int?) {
    state.withLock { $0.disk.capacityPages = bytes.map { $0 / PagedBytes.pageBytes } }
  }

  /// The room taken, in bytes.
  package var usedBytes: Int { state.withLock { $0.disk.usedPages * PagedBytes.pageBytes } }

  /// Turns bits of the byte at `offset` over, on the disk and in the cache. Mappings made before
  /// keep what they had.
  package func flip(mask: UInt8, at offset: Int, of path: String) throws(FileSystemError) {
    try state.withLock { state throws(FileSystemError) in
      let node = try state.disk.node(at: path, for: .write)
      state.disk.change(node) { $0.flip(mask: mask, at: offset) }
    }
  }

  /// Lets a file hold these bytes, as many as it had: on the disk, in the cache and in every mapping, as
  /// when the system drops pages and reads them again from a device that has forgotten them. Nobody may
  /// read a mapping of it meanwhile.
  package func rot(_ path: String, to bytes: [UInt8]) throws(FileSystemError) {
    try state.withLock { state throws(FileSystemError) in
      let node = try state.disk.node(at: path, for: .write)
      state.disk.change(node) { $0.rot(to: bytes) }
      state.readMappingsAgain(of: node)
    }
  }

  /// Puts a file with these bytes at rest in a directory that exists, replacing one.
  package func place(_ bytes: [UInt8], at path: String) throws(FileSystemError) {
    guard let name = SimulatedDisk.parts(of: path).last else {
      throw FileSystemError(.create, .wrongKind, path: path)
    }
    let parent = SimulatedDisk.parts(of: path).dropLast().joined(separator: "/")
    try state.withLock { state throws(FileSystemError) in
      try state.disk.place(bytes, name, in: try state.disk.node(at: parent, for: .create))
    }
  }
}

// MARK: - Looking

extension SimulatedFileSystem {
  package var counts: CallCounts { state.withLock { $0.counts } }

  /// What is open, mapped or locked, one line each, in order: empty when nothing leaked.
  package var leaks: [String] { state.withLock { $0.handles.values.map(\.label).sorted() } }

  /// Every file by its path from the root, as a read would return it.
  package func contents() -> [String: [UInt8]] {
    state.withLock { $0.disk.contents() }
  }

  /// A number that differs when any name or byte does: for tests of determinism.
  package func fingerprint() -> UInt64 {
    var hash: UInt64 = 0
    for (path, bytes) in contents().sorted(by: { $0.key < $1.key }) {
      let name = Array(path.utf8).withByteView(XXH64.hash(of:))
      // The multiplication makes the order count, and a name apart from bytes.
      hash = (hash ^ name) &* 0x9e37_79b9_7f4a_7c15
      hash = (hash ^ bytes.withByteView(XXH64.hash(of:))) &* 0x9e37_79b9_7f4a_7c15
    }
    return hash
  }
}

extension SimulatedDisk {
  func contents() -> [String: [UInt8]] {
    var found: [String: [UInt8]] = [:]
    var open = [(path: "", node: Self.root)]
    while let (path, node) = open.popLast() {
      for (name, child) in entries(of: node) {
        let childPath = path.isEmpty ? name : path + "/" + name
        if let file = files[child] {
          found[childPath] = file.current.read(file.current.count, at: 0)
        } else {
          open.append((childPath, child))
        }
      }
    }
    return found
  }
}
