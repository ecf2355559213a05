import Synchronization
import VarveFormat

// A read, from the key to the lent bytes:
//
//   epoch      the current view stays alive without a counted reference
//   point      the visible sequence, loaded after the view: never older than what the view dropped
//   find       active memtable, frozen memtables, level 0, then one segment of each level
//   resolve    deletes and expired entries are absent; pointers lead to a value file

extension Engine {
  var visible: SequenceNumber {
    SequenceNumber(visibleSequence.load(ordering: .acquiring))
  }

  /// Now, as a point to read at.
  func readPoint() -> ReadPoint { ReadPoint(sequence: visible, time: clock.now()) }

  /// One moment, pinned until dropped.
  func beginReading() -> Reading {
    let view = views.pinned()
    return Reading(view: view, point: readPoint(in: view))
  }

  /// Now, as a point to read `view` at; nil where that is not the current one any more.
  func readPoint(ifCurrent view: ReadView) -> ReadPoint? {
    // Nothing else has the address of a view that the caller keeps.
    guard unsafe views.present.toOpaque() == Unmanaged.passUnretained(view).toOpaque() else {
      return nil
    }
    return readPoint(in: view)
  }

  private func readPoint(in view: ReadView) -> ReadPoint {
    let sequence = visible
    // Asked only now: what is visible was counted by its memtable before.
    return ReadPoint(sequence: sequence, time: view.mayHoldExpiring ? clock.now() : 0)
  }

  /// The value of an entry that a point read found.
  @inline(__always)
  func resolve(_ found: FoundEntry) throws(StoreError) -> ResolvedValue {
    try values.resolve(found)
  }

  /// Enters an epoch: what is lent from now on holds until ``leave(_:)``.
  @inline(__always)
  func enter() -> EpochPin { unsafe lentEpochs.lend { $0.enter() } }

  @inline(__always)
  func leave(_ pin: EpochPin) { unsafe lentEpochs.lend { $0.exit(pin) } }

  /// The visible entry of an engine key, nil where there is none. Holds until the caller leaves the
  /// epoch that it is in, or lets `reading` go.
  func visibleEntry(
    of key: ByteView, in reading: Reading?
  ) throws(StoreError) -> FoundEntry? {
    if let reading {
      let found = try reading.view.find(key, at: reading.point.sequence)
      return found?.isVisible(at: reading.point.time) == true ? found : nil
    }
    let found = try unsafe views.present.lend { view throws(StoreError) in
      try view.find(key, at: visible)
    }
    guard let found else { return nil }
    // The time is asked for only where it matters.
    return found.isVisible(at: found.expiry == 0 ? 0 : clock.now()) ? found : nil
  }
}

extension FoundEntry {
  /// What a memtable lends, for as long as the view is held.
  init(_ entry: EntryView) {
    self.init(
      sequence: entry.sequence, kind: entry.kind, expiry: entry.expiry, value: entry.value,
      owner: nil)
  }

  /// Whether the entry is a value that readers see.
  @inline(__always)
  func isVisible(at time: ExpiryTime) -> Bool {
    switch kind {
    case .put, .pointer: expiry == 0 || expiry > time
    case .delete, .rangeDelete: false
    }
  }
}
