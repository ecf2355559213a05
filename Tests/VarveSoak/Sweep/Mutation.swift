import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// One way in which the bytes of a file can be other than they were written.
enum Mutation: Sendable {
  case flip(offset: Int, bit: Int)
  case set(offset: Int, UInt8)
  case cut(length: Int)
  case zero(sector: Int)
  /// The sector as another file of the kind has it.
  case stale(sector: Int, [UInt8])
  /// The sector as this file had it before: a write that never came to the disk.
  case unwritten(sector: Int, [UInt8])
  case swap(Int, Int, unit: Int)
  /// Two whole blocks or records of equal length, each where the other was.
  case exchange(Range<Int>, Range<Int>)
  /// One of them over the other.
  case copy(Range<Int>, over: Range<Int>)
  /// A whole block or record, or all behind the header, as another file has it in this very place.
  case graft(Range<Int>, [UInt8], of: Origin, isBody: Bool)
  /// Another file of the kind in its place, of this store or of another.
  case replace([UInt8])
  /// A file of another store, beside the files that are there.
  case add([UInt8])
  case append([UInt8])
  case remove

  static let sectorBytes = 512

  /// Which file something comes from.
  enum Origin: String, Sendable {
    case sibling = "another file"
    /// The file of the same name in a store that did the same with other values.
    case twin = "an equal store"
    /// The file itself, as it was before.
    case older = "before"
  }

  var name: String {
    switch self {
    case .flip: "bit flipped"
    case .set: "byte set to 00 or ff"
    case .cut: "cut short"
    case .zero: "sector zeroed"
    case .stale: "sector of another file"
    case .swap: "sectors or pages swapped"
    case .exchange: "blocks or records exchanged"
    case .copy: "block or record over another"
    case .graft(_, _, let origin, let isBody):
      "\(isBody ? "all behind the header" : "block or record") of \(origin.rawValue)"
    case .unwritten: "sector as it was before"
    case .replace: "another file in its place"
    case .add: "a file of another store that comes"
    case .append: "bytes behind its end"
    case .remove: "removed"
    }
  }

  /// Whether the file is as long as before.
  var keepsSize: Bool {
    switch self {
    case .cut, .replace, .add, .append, .remove: false
    default: true
    }
  }

  /// Whether it is one of the many of single bytes.
  fileprivate var isOfByte: Bool {
    switch self {
    case .flip, .set, .cut: true
    default: false
    }
  }

  /// Whether it is one of the few that only what binds a whole file's checksums to it can tell.
  fileprivate var isOfBody: Bool {
    if case .graft(_, _, _, isBody: true) = self { true } else { false }
  }

  var isRemoval: Bool { if case .remove = self { true } else { false } }

  /// What repeats it.
  var place: String {
    switch self {
    case .flip(let offset, let bit): "bit \(bit) of byte \(offset)"
    case .set(let offset, let byte): "byte \(offset) as \(byte)"
    case .cut(let length): "cut to \(length)"
    case .zero(let sector): "sector \(sector) zeroed"
    case .stale(let sector, _): "sector \(sector) of another file"
    case .swap(let one, let other, let unit): "\(one) and \(other) of \(unit) bytes swapped"
    case .exchange(let one, let other): "bytes \(one) and \(other) exchanged"
    case .copy(let range, let place): "bytes \(range) over \(place)"
    case .graft(let range, _, let origin, _): "bytes \(range) of \(origin.rawValue)"
    case .unwritten(let sector, _): "sector \(sector) as it was before"
    case .replace(let other): "another file of \(other.count) bytes in its place"
    case .add(let other): "a file of another store, of \(other.count) bytes, comes"
    case .append(let more): "\(more.count) bytes behind its end"
    case .remove: "removed"
    }
  }

  /// The bytes afterwards; nil where they are the same, or there are none.
  func applied(to bytes: [UInt8]) -> [UInt8]? {
    var changed = bytes
    switch self {
    case .flip(let offset, let bit): changed[offset] ^= 1 << UInt8(bit)
    case .set(let offset, let byte): changed[offset] = byte
    case .cut(let length): changed.removeLast(bytes.count - length)
    case .zero(let sector):
      let range = Self.range(sector, Self.sectorBytes, bytes.count)
      changed.replaceSubrange(range, with: [UInt8](repeating: 0, count: range.count))
    case .stale(let sector, let other), .unwritten(let sector, let other):
      let range = Self.range(sector, Self.sectorBytes, min(bytes.count, other.count))
      changed.replaceSubrange(range, with: other[range])
    case .swap(let one, let other, let unit):
      let (left, right) = (Self.range(one, unit, bytes.count), Self.range(other, unit, bytes.count))
      guard left.count == right.count else { return nil }
      changed.replaceSubrange(left, with: bytes[right])
      changed.replaceSubrange(right, with: bytes[left])
    case .exchange(let one, let other):
      changed.replaceSubrange(one, with: bytes[other])
      changed.replaceSubrange(other, with: bytes[one])
    case .copy(let range, let place): changed.replaceSubrange(place, with: bytes[range])
    case .graft(let range, let other, _, _): changed.replaceSubrange(range, with: other[range])
    case .replace(let other), .add(let other): changed = other
    case .append(let more): changed += more
    case .remove: return nil
    }
    return changed.isSame(as: bytes) ? nil : changed
  }

  private static func range(_ index: Int, _ unit: Int, _ count: Int) -> Range<Int> {
    min(index * unit, count)..<min((index + 1) * unit, count)
  }

  /// What can happen to a file as a whole.
  static func ofWholeFiles(_ bytes: [UInt8]) -> [Mutation] {
    [
      .remove, .append([0]), .append([UInt8](repeating: 0, count: 4096)), .append([1]),
      .append([UInt8](bytes.prefix(sectorBytes))),
    ]
  }

  /// Every mutation of the bytes of a file, given other files of the kind and the file as it was before.
  static func all(
    of bytes: [UInt8], others: [[UInt8]], older: [UInt8]? = nil
  ) -> [Mutation] {
    var all: [Mutation] = []
    for offset in bytes.indices {
      all += (0..<8).map { .flip(offset: offset, bit: $0) }
      all += [.set(offset: offset, 0), .set(offset: offset, 0xff), .cut(length: offset)]
    }
    let sectors = (bytes.count + sectorBytes - 1) / sectorBytes
    for sector in 0..<sectors {
      all.append(.zero(sector: sector))
      all += others.map { .stale(sector: sector, $0) }
      if let older { all.append(.unwritten(sector: sector, older)) }
    }
    for unit in [sectorBytes, 4096] {
      let count = bytes.count / unit
      for one in 0..<count {
        all += (one + 1..<max(one + 1, count)).map { .swap(one, $0, unit: unit) }
      }
    }
    return all + others.map { .replace($0) }
  }
}

extension [Mutation] {
  /// One of so many of single bytes, a hundred times as many of the others, which are few, and all of the few
  /// that change all of a file but its header.
  func sample(every stride: Int, seed: UInt64) -> [Mutation] {
    let rare = filter { !$0.isOfByte && !$0.isOfBody }
    return filter(\.isOfByte).each(stride, seed) + rare.each((stride + 99) / 100, seed)
      + filter(\.isOfBody)
  }

  private func each(_ stride: Int, _ seed: UInt64) -> [Mutation] {
    Swift.stride(from: Int(seed) % stride, to: count, by: stride).map { self[$0] }
  }
}
