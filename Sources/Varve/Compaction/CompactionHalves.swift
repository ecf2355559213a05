import VarveFormat

// A large compaction is done in two halves of its keys, side by side:
//
//   inputs   level 0   [ a ............. z ]     cut before a key m, so that all versions of a key
//            level 6   [ a .. f ] [ m .. z ]     are on one side
//   outputs            [ a .. l ] [ m .. z ]     by this thread and another; then one version edit
//
// The threads that compact run below the others: where callers are busy they take what is left of
// the processors, where nobody is they have two of them.

/// The keys of one part of a compaction: from `start`, included, up to `end`, not included.
struct KeyPart: Sendable {
  var start: [UInt8]?
  var end: [UInt8]?

  static let all = KeyPart()
}

extension CompactionPlan {
  /// A key with about as much of the inputs before it as behind it, where most of them lie side by
  /// side: the first of a segment in the middle.
  var middle: [UInt8]? {
    let levels = inputs.filter { $0.level > 0 && $0.segments.count > 1 }
    guard let segments = levels.max(by: { $0.segments.bytes < $1.segments.bytes })?.segments,
      segments.bytes >= inputBytes / 3
    else { return nil }
    var before: UInt64 = 0
    for (left, right) in zip(segments, segments.dropFirst()) {
      before = before.addingStated(left.size)
      if before >= segments.bytes / 2 { return right.smallestKey }
    }
    return segments.last?.smallestKey
  }
}

extension Engine {
  /// The part of `plan` that this thread does, and the part that another is to do; nil where one
  /// thread is enough.
  func parts(of plan: CompactionPlan) throws(StoreError) -> (KeyPart, KeyPart?) {
    guard background == .threads,
      plan.inputBytes >= compactionOptions.sharedBytes(of: plan.segments.count),
      let middle = try middle(of: plan),
      plan.range.smallest.isBelow(middle), !plan.range.largest.isBelow(middle)
    else { return (.all, nil) }
    return (KeyPart(end: middle), KeyPart(start: middle))
  }

  /// A key with about as much of the inputs before it as behind it: where their ends do not tell, the
  /// index of the largest does.
  private func middle(of plan: CompactionPlan) throws(StoreError) -> [UInt8]? {
    if let middle = plan.middle { return middle }
    let largest = plan.segments.max { $0.size < $1.size }
    let version = versions.current
    return try version.segments
      .first { $0.record.number == largest?.number }?.reader.middleKey()
  }
}
