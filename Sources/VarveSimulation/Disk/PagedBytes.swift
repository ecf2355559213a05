import VarveFormat

/// The bytes of a file in pages of 4 KiB, shared between copies until one of them changes.
///
/// ```
/// count 9000    [page 0: 4096 bytes] [page 1: empty, a hole] [page 2: 4096 bytes, 808 in use]
/// ```
///
/// A hole reads as zeros and costs nothing, so a log of 64 MiB that was only prepared is small, and
/// a crash image of it costs one array. Bytes of the last page past `count` are always zero.
struct PagedBytes: Equatable {
  static let pageBytes = 4096

  private var pages: [[UInt8]] = []
  private(set) var count = 0

  /// Whether nothing was ever written to this page; true past the end.
  func isHole(_ page: Int) -> Bool { page >= pages.count || pages[page].isEmpty }

  /// Where the last page ends that is no hole; all behind it reads as zero.
  var dataEnd: Int {
    guard let page = pages.lastIndex(where: { !$0.isEmpty }) else { return 0 }
    return min(count, (page + 1) * Self.pageBytes)
  }

  /// The numbers of the pages that `count` bytes from `offset` on touch.
  static func pages(at offset: Int, count: Int) -> Range<Int> {
    count == 0
      ? offset / pageBytes..<offset / pageBytes
      : offset / pageBytes..<(offset + count - 1) / pageBytes + 1
  }

  /// Cuts, or extends with a hole.
  mutating func resize(to newCount: Int) {
    let pageCount = Self.pages(at: 0, count: newCount).upperBound
    if newCount < count {
      pages.removeSubrange(pageCount...)
      let used = newCount % Self.pageBytes
      if used > 0, !isHole(pageCount - 1) {
        let zeros = [UInt8](repeating: 0, count: Self.pageBytes - used)
        pages[pageCount - 1].replaceSubrange(used..., with: zeros)
      }
    } else if pageCount > pages.count {
      pages.append(contentsOf: repeatElement([], count: pageCount - pages.count))
    }
    count = newCount
  }
}

// MARK: - Reading and writing

extension PagedBytes {
  /// Writes all of `bytes`, growing where needed.
  mutating func write(_ bytes: ByteView, at offset: Int) {
    if offset + bytes.count > count { resize(to: offset + bytes.count) }
    var done = 0
    while done < bytes.count {
      let (page, start) = (offset + done).quotientAndRemainder(dividingBy: Self.pageBytes)
      let piece = min(Self.pageBytes - start, bytes.count - done)
      if pages[page].isEmpty { pages[page] = [UInt8](repeating: 0, count: Self.pageBytes) }
      unsafe pages[page].withUnsafeMutableBytes { target in
        let source = unsafe UnsafeRawBufferPointer(start: bytes.start + done, count: piece)
        // `start + piece <= pageBytes`, and `done + piece <= bytes.count`.
        unsafe UnsafeMutableRawBufferPointer(rebasing: target[start..<start + piece])
          .copyMemory(from: source)
      }
      done += piece
    }
  }

  /// Up to `wanted` bytes at `offset`; fewer where the file ends, none past it.
  private static let zeroPage = [UInt8](repeating: 0, count: pageBytes)

  func read(_ wanted: Int, at offset: Int) -> [UInt8] {
    guard offset < count else { return [] }
    let end = min(count, offset + wanted)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(end - offset)
    var position = offset
    while position < end {
      let (page, start) = position.quotientAndRemainder(dividingBy: Self.pageBytes)
      let piece = min(Self.pageBytes - start, end - position)
      if pages[page].isEmpty {
        bytes += Self.zeroPage[..<piece]
      } else {
        bytes.append(contentsOf: pages[page][start..<start + piece])
      }
      position += piece
    }
    return bytes
  }

  /// Makes `range` read as it does in `other`, where what lies past the end is zero. The range
  /// lies within one page, and within this file.
  mutating func copy(_ range: Range<Int>, from other: PagedBytes) {
    let page = range.lowerBound / Self.pageBytes
    if range.count == Self.pageBytes {
      pages[page] = other.isHole(page) ? [] : other.pages[page]
      return
    }
    var bytes = other.read(range.count, at: range.lowerBound)
    bytes.append(contentsOf: repeatElement(0, count: range.count - bytes.count))
    bytes.withByteView { write($0, at: range.lowerBound) }
  }

  mutating func flip(mask: UInt8, at offset: Int) {
    let flipped = [(read(1, at: offset).first ?? 0) ^ mask]
    flipped.withByteView { write($0, at: offset) }
  }
}
