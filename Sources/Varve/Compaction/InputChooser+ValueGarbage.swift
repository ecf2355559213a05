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
    let users = FileUsers(map.levels, of: garbage) { !isTaken($0) }
    // Whichever segment leads, and from whatever files: level 0 goes as it can, or not at all.
    var isLevelZeroStuck = false
    for file in garbage {
      for user in users.largestFirst(of: file.number) where user.level > 0 || !isLevelZeroStuck {
        let segment = map.levels[user.level][user.index]
        let files = relocated(from: segment, first: file.number, users)
        let plan =
          user.level > 0
          ? relocation(of: user.index, in: user.level, files, reason)
          : levelZero(reason, relocating: files)
        if let plan { return plan }
        isLevelZeroStuck = isLevelZeroStuck || user.level == 0
      }
    }
    return nil
  }

  /// The garbage files that a segment points into, as many as one compaction should copy from.
  private func relocated(
    from segment: SegmentRecord, first: UInt64, _ users: FileUsers
  ) -> Set<UInt64> {
    var files: Set<UInt64> = [first]
    var bytes = segment.referencedBytes(in: files)
    for reference in users.references(of: segment) where reference.file != first {
      let more = bytes.addingStated(reference.bytes)
      guard more <= options.largestInputBytes else { continue }
      files.insert(reference.file)
      bytes = more
    }
    return files
  }

  /// A segment below level 0 in place, with neighbours.
  private func relocation(
    of index: Int, in level: Int, _ files: Set<UInt64>, _ reason: CompactionPlan.Reason
  ) -> CompactionPlan? {
    let segments = map.levels[level]
    var bytes = segments[index].size
    var moved = segments[index].referencedBytes(in: files)
    func takes(_ neighbour: SegmentRecord) -> Bool {
      let added = neighbour.referencedBytes(in: files)
      let wider = (bytes.addingStated(neighbour.size), moved.addingStated(added))
      guard !isTaken(neighbour), added > 0, wider.0 <= options.largestInputBytes,
        wider.1 <= options.largestInputBytes
      else { return false }
      (bytes, moved) = wider
      return true
    }
    var (start, end) = (index, index + 1)
    while end < segments.count, takes(segments[end]) { end += 1 }
    while start > 0, takes(segments[start - 1]) { start -= 1 }
    return plan(
      reason, of: [.init(level: level, segments: Array(segments[start..<end]))], to: level,
      relocating: files)
  }
}

/// Which segments point into value files, for some files and all segments at once.
private struct FileUsers {
  /// Where a segment stands, and what it points to in the file.
  struct User {
    let level: Int
    let index: Int
    let bytes: UInt64
  }

  private var users: [UInt64: [User]] = [:]
  /// Where each file stands among those asked about.
  private let places: [UInt64: Int]

  init(
    _ levels: [[SegmentRecord]], of files: [ValueGarbage.File],
    where isUser: (SegmentRecord) -> Bool
  ) {
    places = Dictionary(zip(files.map(\.number), files.indices)) { first, _ in first }
    for (level, segments) in levels.enumerated() {
      for (index, segment) in segments.enumerated() where isUser(segment) {
        for reference in segment.valueReferences
        where reference.bytes > 0 && places[reference.file] != nil {
          users[reference.file, default: []].append(
            User(level: level, index: index, bytes: reference.bytes))
        }
      }
    }
  }

  func largestFirst(of file: UInt64) -> [User] {
    (users[file] ?? []).sorted { $0.bytes > $1.bytes }
  }

  /// What a segment points to in these files, in their order.
  func references(of segment: SegmentRecord) -> [ValueReference] {
    segment.valueReferences
      .compactMap { reference in places[reference.file].map { (place: $0, reference) } }
      .filter { $0.1.bytes > 0 }.sorted { $0.place < $1.place }.map(\.1)
  }
}
