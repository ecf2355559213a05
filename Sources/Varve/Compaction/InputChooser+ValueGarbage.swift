import VarveFormat

// Inputs chosen because the value files they point into are mostly garbage.

extension InputChooser {
  var garbage: ValueGarbage {
    ValueGarbage(map.segments, state.valueFiles, excluding: state.openValueFiles)
  }

  /// Segments that point into some value files, so that what is live in those moves out of them and
  /// they can go. The first file's largest user leads; neighbours that use the same files come
  /// along.
  func valueGarbage(
    in garbage: [ValueGarbage.File], _ reason: CompactionPlan.Reason
  ) -> CompactionPlan? {
    for file in garbage {
      let users = map.segments
        .filter { !isTaken($0) && $0.referencedBytes(in: [file.number]) > 0 }
        .sorted { $0.referencedBytes(in: [file.number]) > $1.referencedBytes(in: [file.number]) }
      for user in users {
        let files = relocated(from: user, first: file.number, garbage)
        if let plan = relocation(of: user, files, reason) { return plan }
      }
    }
    return nil
  }

  /// The garbage files that a segment points into, as many as one compaction should copy from.
  private func relocated(
    from segment: SegmentRecord, first: UInt64, _ garbage: [ValueGarbage.File]
  ) -> Set<UInt64> {
    var files: Set<UInt64> = [first]
    for file in garbage where segment.referencedBytes(in: [file.number]) > 0 {
      let more = files.union([file.number])
      if segment.referencedBytes(in: more) <= options.largestInputBytes { files = more }
    }
    return files
  }

  private func relocation(
    of user: SegmentRecord, _ files: Set<UInt64>, _ reason: CompactionPlan.Reason
  ) -> CompactionPlan? {
    let level = Int(user.level)
    guard level > 0 else { return levelZero(reason, relocating: files) }
    let segments = map.levels[level]
    guard let index = segments.firstIndex(where: { $0.number == user.number }) else { return nil }
    var range = index..<index + 1
    func isWelcome(_ range: Range<Int>, _ added: SegmentRecord) -> Bool {
      let all = segments[range]
      return !isTaken(added) && added.referencedBytes(in: files) > 0
        && all.bytes <= options.largestInputBytes
        && all.statedSum { $0.referencedBytes(in: files) } <= options.largestInputBytes
    }
    while range.upperBound < segments.count {
      let wider = range.lowerBound..<range.upperBound + 1
      guard isWelcome(wider, segments[range.upperBound]) else { break }
      range = wider
    }
    while range.lowerBound > 0 {
      let wider = range.lowerBound - 1..<range.upperBound
      guard isWelcome(wider, segments[wider.lowerBound]) else { break }
      range = wider
    }
    return plan(
      reason, of: [.init(level: level, segments: Array(segments[range]))], to: level,
      relocating: files)
  }
}
