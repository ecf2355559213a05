import VarveFormat

/// An entry whose value lies in a value file.
struct PointerUse {
  var pointer: ValuePointer
  /// The offset of the block or record the entry is in.
  var place: UInt64
}

/// The pointers of one segment on their way to be examined, some at a time: a segment has as many as
/// it has entries.
struct SegmentPointers {
  let segment: FileName
  private(set) var uses: [PointerUse] = []
  /// Value files with a flaw as a whole, which is one finding however many pointers lead there.
  private var flawed: Set<UInt64> = []

  init(of segment: FileName) { self.segment = segment }

  mutating func add(_ pointer: ValuePointer, at place: UInt64) {
    uses.append(PointerUse(pointer: pointer, place: place))
  }

  /// All that were added since the last time, file by file.
  mutating func take() -> [(file: UInt64, uses: [PointerUse])] {
    defer { uses.removeAll(keepingCapacity: true) }
    return Dictionary(grouping: uses, by: \.pointer.file).sorted { $0.key < $1.key }
      .map { (file: $0.key, uses: $0.value) }
  }

  /// Whether a flaw of a value file is new. Of files that no manifest names a forged segment can point
  /// to any number: of those, so many are remembered as are told of.
  mutating func isNew(_ file: UInt64, isNamed: Bool) -> Bool {
    guard isNamed || flawed.count < FindingLimit.most else { return !flawed.contains(file) }
    return flawed.insert(file).inserted
  }
}
