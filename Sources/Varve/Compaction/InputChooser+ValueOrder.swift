import VarveFormat

// Inputs chosen because their values lie in the order of writing, or here and there, and are to go into a
// bucket: what is scattered there costs a request for each value.
//
//   keys      a  b  c  d  e  f
//   written   values-7: c a f     values-9: e b d
//   laid out  values-12: a b c d e f
//
// Only what no bucket has yet is laid out: so no value is put there a second time for that.

extension InputChooser {
  /// Segments that point into files whose values lie in the order of writing, where there is more in those
  /// files than must be written again besides: level 0 as a whole, others from the smallest key on.
  ///
  /// The oldest files come first, as many as one compaction should copy, until all segments have left them:
  /// so no more disk is taken meanwhile.
  /// - Parameter end: files from here on are left alone.
  func valueOrder(before end: UInt64) -> CompactionPlan? {
    let waiting = unorderedFiles
    let unordered = garbage.files.filter { waiting.contains($0.number) && $0.number < end }
      .sorted { $0.number < $1.number }
    var bytes: UInt64 = 0
    let oldest = unordered.prefix { file in
      defer { bytes = bytes.addingStated(file.liveBytes) }
      return bytes == 0 || bytes.addingStated(file.liveBytes) <= options.largestInputBytes
    }
    let files = Set(oldest.map(\.number))
    guard rewrittenBytes(toEmpty: files) <= oldest.statedSum(\.liveBytes) else { return nil }
    // One that leaves those files alone would not bring it to an end.
    if map.levels[0].referencedBytes(in: files) > 0,
      let plan = levelZero(.valueOrder, relocating: files),
      plan.segments.referencedBytes(in: files) > 0
    {
      return plan
    }
    for level in 1...map.last {
      let plan = layOut(level, .valueOrder) { segment in
        segment.valueReferences.map(\.file).filter(files.contains)
      }
      if let plan { return plan }
    }
    return nil
  }

  /// Segments of the last level with values in more places than neighbours need, or in the order of writing.
  ///
  /// - Parameter firstOwnNumber: files from here on were just laid out.
  func scatteredValues(before firstOwnNumber: UInt64) -> CompactionPlan? {
    let unordered = unorderedFiles
    return layOut(map.last, .manual) { segment in
      let references = segment.valueReferences.filter { state.freshValueFiles.contains($0.file) }
      let files = references.map(\.file)
      let isScattered = files.count > mostFiles(with: references.statedSum(\.bytes))
      guard isScattered || !unordered.isDisjoint(with: files) else { return [] }
      return files.filter { $0 < firstOwnNumber && !state.openValueFiles.contains($0) }
    }
  }

  /// How many files so many bytes lie in that were laid out together: the first and the last belong to
  /// neighbours as well.
  private func mostFiles(with bytes: UInt64) -> Int {
    2 + Int(clamping: bytes / options.valueFileBytes)
  }

  /// Files whose values are still to be laid out.
  private var unorderedFiles: Set<UInt64> {
    state.freshValueFiles.subtracting(state.valueFiles.lazy.filter(\.isOrdered).map(\.number))
  }

  /// Bytes of the segments that are written again where values move out of `files`.
  private func rewrittenBytes(toEmpty files: Set<UInt64>) -> UInt64 {
    let users = map.segments.filter { $0.referencedBytes(in: files) > 0 }
    guard users.contains(where: { $0.level == 0 }) else { return users.bytes }
    return users.filter { $0.level != 0 && $0.level != map.base }.bytes
      .addingStated(map.levels[0].bytes).addingStated(map.levels[map.base].bytes)
  }

  /// The first neighbours of a level that have values to be moved, as many as one compaction should copy.
  ///
  /// - Parameter files: whose values of a segment are to be moved: all it points to of those that others move.
  private func layOut(
    _ level: Int, _ reason: CompactionPlan.Reason, _ files: (SegmentRecord) -> [UInt64]
  ) -> CompactionPlan? {
    var run: [SegmentRecord] = []
    var bytes: UInt64 = 0
    var moved: Set<UInt64> = []
    for segment in map.levels[level] {
      let added = isTaken(segment) ? [] : files(segment)
      guard !added.isEmpty else {
        if run.isEmpty { continue } else { break }
      }
      bytes = bytes.addingStated(segment.size)
        .addingStated(segment.referencedBytes(in: Set(added)))
      guard run.isEmpty || bytes <= options.largestInputBytes else { break }
      run.append(segment)
      moved.formUnion(added)
    }
    return plan(reason, of: [.init(level: level, segments: run)], to: level, relocating: moved)
  }
}

extension [SegmentRecord] {
  fileprivate func referencedBytes(in files: Set<UInt64>) -> UInt64 {
    statedSum { $0.referencedBytes(in: files) }
  }
}
