import VarveFormat

extension SimulatedDisk {
  /// What could be on the disk after a power cut now. The same seed gives the same disk.
  func crashed(_ mode: CrashMode, using random: inout SplitMix64) -> SimulatedDisk {
    switch mode {
    case .durableOnly: image(files: .none, entries: .none, using: &random)
    case .everything: image(files: .all, entries: .all, using: &random)
    case .prefix: prefix(using: &random)
    case .pages: image(files: .pieces(bytes: 4096), entries: .some, using: &random)
    case .sectors: image(files: .pieces(bytes: 512), entries: .some, using: &random)
    case .tornZeros: torn(using: &random) { _, count in [UInt8](repeating: 0, count: count) }
    case .tornGarbage: torn(using: &random) { random, count in random.bytes(count) }
    case .tornOld: torn(using: &random) { _, _ in [] }
    case .sizeWithoutData: image(files: .sizeOnly, entries: .all, using: &random)
    case .renameWithoutData: image(files: .none, entries: .all, using: &random)
    case .unlinkWithoutRename: image(files: .all, entries: .unlinksOnly, using: &random)
    case .renamesOnly: image(files: .all, entries: .renamesOnly, using: &random)
    }
  }

  /// Node by node in the order of their numbers, so that the seed decides and nothing else.
  private func image(
    files survival: FileNode.Survival, entries: DirectoryNode.Survival,
    using random: inout SplitMix64
  ) -> SimulatedDisk {
    var contents: [Int: PagedBytes] = [:]
    for (number, file) in files.sorted(by: { $0.key < $1.key }) {
      contents[number] = file.image(of: survival, using: &random)
    }
    var names: [Int: [String: Int]] = [:]
    for (number, directory) in directories.sorted(by: { $0.key < $1.key }) {
      names[number] = directory.image(of: entries, using: &random)
    }
    return SimulatedDisk(files: contents, directories: names, like: self)
  }

  private func prefix(using random: inout SplitMix64) -> SimulatedDisk {
    let steps = pendingSteps
    let moment = random.below(steps.count + 1)
    return through(step: moment == 0 ? 0 : steps[moment - 1], using: &random)
  }

  private func through(step: Int, using random: inout SplitMix64) -> SimulatedDisk {
    image(files: .through(step: step), entries: .through(step: step), using: &random)
  }

  private var pendingSteps: [Int] {
    let inFiles = files.values.flatMap { $0.pending.map(\.step) }
    let inDirectories = directories.values.flatMap { $0.pending.map(\.step) }
    return Set(inFiles + inDirectories).sorted()
  }
}

// MARK: - Torn writes

extension SimulatedDisk {
  private struct LastWrite {
    var node: Int
    var step: Int
    var offset: Int
    var bytes: [UInt8]
  }

  /// Everything before the last pending write, and of that write a part; `rest` makes what takes
  /// the place of so many missing bytes, or nothing at all.
  private func torn(
    using random: inout SplitMix64, rest: (inout SplitMix64, Int) -> [UInt8]
  ) -> SimulatedDisk {
    guard let write = lastWrite else {
      return image(files: .all, entries: .all, using: &random)
    }
    var disk = through(step: write.step - 1, using: &random)
    let kept = tear(write, using: &random)
    let bytes = write.bytes[..<kept] + rest(&random, write.bytes.count - kept)
    // A file that only later steps would have named is not there to be torn.
    guard let before = disk.files[write.node] else { return disk }
    var content = before.durable
    Array(bytes).withByteView { content.write($0, at: write.offset) }
    disk.files[write.node] = FileNode(atRest: content)
    return disk
  }

  /// How many bytes of the write are whole: up to a sector's border as disks do it, or anywhere.
  private func tear(_ write: LastWrite, using random: inout SplitMix64) -> Int {
    let cut = random.below(write.bytes.count)
    guard random.oneIn(2) else { return cut }
    return max(0, cut - (write.offset + cut) % 512)
  }

  private var lastWrite: LastWrite? {
    var last: LastWrite?
    for (number, file) in files {
      for case (let step, .write(let offset, let bytes)) in file.pending
      where step > last?.step ?? 0 {
        last = LastWrite(node: number, step: step, offset: offset, bytes: bytes)
      }
    }
    return last
  }
}
