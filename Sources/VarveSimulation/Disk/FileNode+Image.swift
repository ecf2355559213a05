import VarveFormat

extension FileNode {
  /// Which of the pending changes a crash leaves on the disk.
  enum Survival {
    case none
    case all
    /// Those made up to and including this step.
    case through(step: Int)
    /// Each piece of so many bytes, and the size, as they were after any number of changes.
    case pieces(bytes: Int)
    /// The size of now over the bytes on the disk; what was never written reads as zero.
    case sizeOnly
  }

  /// What the disk could hold after a crash. Without randomness: `.none`, `.all`, `.through`.
  func image(of survival: Survival) -> PagedBytes {
    var unused = SplitMix64(seed: 0)
    return image(of: survival, using: &unused)
  }

  /// What the disk could hold after a crash.
  func image(of survival: Survival, using random: inout SplitMix64) -> PagedBytes {
    switch survival {
    case .none: return durable
    case .all: return image(pieceBytes: PagedBytes.pageBytes) { $0.last ?? 0 }
    case .through(let step):
      let limit = pending.count { $0.step <= step }
      return image(pieceBytes: PagedBytes.pageBytes) { $0.last { $0 <= limit } ?? 0 }
    case .pieces(let bytes):
      return image(pieceBytes: bytes) { moments in
        let choice = random.below(moments.count + 1)
        return choice == 0 ? 0 : moments[choice - 1]
      }
    case .sizeOnly:
      var image = durable
      image.resize(to: current.count)
      return image
    }
  }

  /// Builds an image piece by piece. `choose` is given the moments at which a piece (or the size)
  /// changed, counted from 1 in pending changes, and returns one of them, or 0 for the disk's state.
  private func image(pieceBytes: Int, choose: ([Int]) -> Int) -> PagedBytes {
    guard !pending.isEmpty else { return durable }
    let history = history()
    let size = history.size(at: choose(history.resizes))
    var wanted: [Int: [Range<Int>]] = [:]
    for (page, moments) in history.dirtyPages.sorted(by: { $0.key < $1.key }) {
      let start = page * PagedBytes.pageBytes
      for piece in stride(from: start, to: start + PagedBytes.pageBytes, by: pieceBytes) {
        let moment = choose(moments)
        if moment > 0 { wanted[moment, default: []].append(piece..<piece + pieceBytes) }
      }
    }
    return replay(wanted, largest: history.largest, size: size)
  }

  /// Goes through the pending changes once, taking each wanted piece at its moment.
  private func replay(_ wanted: [Int: [Range<Int>]], largest: Int, size: Int) -> PagedBytes {
    var image = durable
    // Room for every piece; cut to size at the end.
    let pages = PagedBytes.pages(at: 0, count: largest).upperBound
    image.resize(to: max(image.count, pages * PagedBytes.pageBytes))
    var cache = base
    for (index, entry) in pending.enumerated() {
      cache.apply(entry.change)
      for piece in wanted[index + 1] ?? [] { image.copy(piece, from: cache) }
    }
    image.resize(to: size)
    return image
  }

  /// When each page and the size changed.
  private func history() -> History {
    var history = History(sizes: [durable.count], largest: max(durable.count, base.count))
    var size = base.count
    for (index, entry) in pending.enumerated() {
      let touched: Range<Int>
      switch entry.change {
      case .write(let offset, let bytes):
        touched = PagedBytes.pages(at: offset, count: bytes.count)
        size = max(size, offset + bytes.count)
      case .resize(let newSize):
        touched = PagedBytes.pages(at: newSize, count: max(0, size - newSize))
        size = newSize
      }
      for page in touched { history.dirtyPages[page, default: []].append(index + 1) }
      history.sizes.append(size)
      history.largest = max(history.largest, size)
      if history.sizes[index] != size { history.resizes.append(index + 1) }
    }
    return history
  }

  private struct History {
    /// The size before any change, and after each.
    var sizes: [Int]
    var largest: Int
    var resizes: [Int] = []
    var dirtyPages: [Int: [Int]] = [:]

    func size(at moment: Int) -> Int { sizes[moment] }
  }
}

extension PagedBytes {
  fileprivate mutating func apply(_ change: FileNode.Change) {
    switch change {
    case .write(let offset, let bytes): bytes.withByteView { write($0, at: offset) }
    case .resize(let size): resize(to: size)
    }
  }
}
