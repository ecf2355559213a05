import Synchronization
import VarveFormat
import VarvePlatform

// Where values go, and how they get there:
//
//   0        2 MiB                    4 MiB                    6 MiB             reserved
//   |########|########################|############............|- - - - - - - - -|
//    written  stored                   warm: zeros, stored into  reserved on the disk
//
// The range behind a multiple of a large page is warmed when the first value reaches into it. Not after
// a sync: the next one would write all of the page for the little that was stored since.

extension ValueFileWriter {
  private static let smallestStep: UInt64 = 4 << 20
  private static let largestStep: UInt64 = 16 << 20
  /// Larger values are written: that is as cheap.
  private static let mostStoredBytes: UInt64 = 256 << 10

  /// The place of a value, and the range to store it into where that is warm.
  func reserve(
    _ header: StoredValueHeader
  ) throws(StoreError) -> (ValuePlace, (any WarmRange)?) {
    try state.withLock { state throws(StoreError) in
      try checkGrowing(state.phase)
      let place = ValuePlace(
        after: state.end, storedCount: header.storedCount, alignmentShift: header.alignmentShift)
      // With room for the end record, so that a file on a disk that has become full can be sealed.
      let needed = place.end + 8 + UInt64(ValueRecord.headerBytes)
      if needed > state.reserved { state.reserved = try makeRoom(needed) }
      warmUp(for: place, &state)
      state.end = place.end
      endMirror.store(place.end, ordering: .releasing)
      state.pending += 1
      return (place, state.warm.flatMap { $0.range.contains(place) ? $0 : nil })
    }
  }

  /// Reserves up to a step more than needed, or just what is needed where the disk is nearly full.
  private func makeRoom(_ needed: UInt64) throws(StoreError) -> UInt64 {
    let step = min(max(Self.smallestStep, needed / 4), Self.largestStep)
    do throws(FileSystemError) {
      try file.reserve(needed + step)
      return needed + step
    } catch {
      do throws(FileSystemError) { try file.reserve(needed) } catch { throw StoreError(error) }
      return needed
    }
  }

  /// Warms the range that `place` is the first to reach into, if values come in a stream. Everything
  /// before the place may be under way; nothing behind it was given away.
  private func warmUp(for place: ValuePlace, _ state: inout State) {
    let bytes = file.warmBytes
    guard bytes > 0, place.end - place.start <= Self.mostStoredBytes else { return }
    let start = place.end & ~(bytes - 1)
    guard place.start <= start, place.end > start, start >= state.syncedEnd + bytes else { return }
    state.warm = nil
    let end = start + bytes
    do {
      if end > state.reserved { state.reserved = try makeRoom(end) }
      state.warm = try file.warmed(start..<end)
    } catch {
      // The disk is nearly full, or it fails: the write of the value itself will say so.
    }
  }

  /// From here on values are written, until many came without a sync.
  func endStream() {
    state.withLock { state in
      state.warm = nil
      state.syncedEnd = state.end
    }
  }
}

extension Range<UInt64> {
  fileprivate func contains(_ place: ValuePlace) -> Bool {
    lowerBound <= place.header && place.end <= upperBound
  }
}
