import VarveFormat

/// Which versions of a key a compaction may leave out: what nobody can read, now or later.
///
/// Readers are the snapshots that exist and everyone who comes after the compaction began. Each
/// reads the newest version at or below its sequence number, as of its time.
///
/// ```
/// versions of one key   9        7         4        2
/// readers                  | 8        | 6     | 4,5     (8: now and later; the others: snapshots)
/// reads                      7          4       4       2 is overwritten for all: dropped
/// ```
///
/// * *Overwritten*: between two readers next to each other only the newest version is read.
/// * *Deleted*: a delete must hide older versions that are kept or that lie deeper. Where there are
///   none it goes, and of several deletes in a row only the oldest stays.
/// * *Expired*: a put that has expired for everyone who reads it is a delete from then on.
/// * *Keyspace dropped*: all versions go, unless a snapshot is older than the drop.
///
/// Kinds this version does not know are kept. Entries newer than the current read point may be read
/// by somebody who comes later, so each counts as having a reader of its own.
struct DropRules: Sendable {
  /// Ascending by sequence number.
  let snapshots: [ReadPoint]
  /// What is visible to new readers while the compaction begins. Readers to come read at this
  /// sequence number or above, and at this time or later.
  let current: ReadPoint
  /// Which were dropped, and when. Read after the version whose segments are chosen from, so that every keyspace in
  /// them is known.
  private let keyspaces: KeyspaceLiveness

  /// - Parameter points: every snapshot ascending and, last, the current read point.
  init(_ points: [ReadPoint], _ keyspaces: KeyspaceLiveness = .allLive) {
    let current = points.last ?? ReadPoint(sequence: .max, time: 0)
    self.current = current
    snapshots = points.dropLast()
    self.keyspaces = keyspaces
    assert(zip(snapshots, snapshots.dropFirst()).allSatisfy { $0.sequence <= $1.sequence })
  }

  /// At or below this sequence number, and with an expiry up to this time, all readers agree.
  var oldest: ReadPoint {
    ReadPoint(
      sequence: snapshots.first?.sequence ?? current.sequence,
      time: snapshots.reduce(current.time) { min($0, $1.time) })
  }

  /// The sequence number that versions up to that of ``oldest`` get where nothing lies deeper: every
  /// reader there is or will be sees them, so they need not say since when. Equal numbers take no room
  /// in a block.
  static let settledSequence = SequenceNumber(1)

  /// What becomes of one version.
  enum Decision: Equatable, Sendable {
    /// Somebody reads its value.
    case keep
    /// Nobody reads it: newer versions stand in front of it for every reader.
    case drop
    /// Somebody reads it and finds no value, because it is a delete or has expired: it need only
    /// hide what is older.
    case hide
  }

  /// Decides one version, given the sequence number of the version next newer, nil for the newest.
  func decide(
    _ sequence: SequenceNumber, _ kind: EntryKind, expiry: ExpiryTime, newer: SequenceNumber?
  ) -> Decision {
    if kind == .rangeDelete { return .keep }
    let end = newer ?? SequenceNumber(UInt64.max)
    // Readers to come see it unless something newer is visible already.
    let isReadLater = end > current.sequence
    let first = firstSnapshot(atOrAbove: sequence)
    let isReadBySnapshot = first < snapshots.count && snapshots[first].sequence < end
    guard isReadLater || isReadBySnapshot else { return .drop }
    if kind == .delete { return .hide }
    guard expiry != 0 else { return .keep }
    if isReadLater, current.time < expiry { return .keep }
    var index = first
    while index < snapshots.count, snapshots[index].sequence < end {
      if snapshots[index].time < expiry { return .keep }
      index &+= 1
    }
    return .hide
  }

  /// Whether all entries of a keyspace go.
  func dropsKeyspace(_ number: UInt32) -> Bool {
    guard let dropped = keyspaces.dropSequence(of: number), current.sequence >= dropped else {
      return false
    }
    return snapshots.first.map { $0.sequence >= dropped } ?? true
  }

  /// The keyspaces of which all entries go, for whoever asks about many.
  var droppedKeyspaces: DroppedKeyspaces { DroppedKeyspaces(keyspaces, where: dropsKeyspace) }

  /// The index of the first snapshot at or above `sequence`; the count where there is none.
  private func firstSnapshot(atOrAbove sequence: SequenceNumber) -> Int {
    var low = 0
    var high = snapshots.count
    while low < high {
      let middle = (low &+ high) / 2
      if snapshots[middle].sequence < sequence { low = middle &+ 1 } else { high = middle }
    }
    return low
  }
}

/// Applies the rules to the versions of one key after the other, newest first.
///
/// A delete is not written when it is met but when something older is found to need it: it waits,
/// and gives way to the next delete below it.
struct VersionSieve: Sendable {
  let rules: DropRules
  private(set) var counts = DropCounts()
  private var newer: SequenceNumber?
  private var waiting: SequenceNumber?

  init(_ rules: DropRules) { self.rules = rules }

  /// What to do with a version.
  enum Step: Equatable, Sendable {
    case drop
    /// Write it, after a delete with the given sequence number if there is one.
    case keep(after: SequenceNumber?)
  }

  /// Takes the next older version of the key.
  mutating func take(
    _ sequence: SequenceNumber, _ kind: EntryKind, expiry: ExpiryTime
  ) -> Step {
    let decision = rules.decide(sequence, kind, expiry: expiry, newer: newer)
    if kind != .rangeDelete { newer = sequence }
    switch decision {
    case .drop:
      counts.overwritten &+= 1
      return .drop
    case .hide:
      if kind != .delete { counts.expired &+= 1 }
      if waiting != nil { counts.deletes &+= 1 }
      waiting = sequence
      return .drop
    case .keep:
      defer { waiting = nil }
      return .keep(after: waiting)
    }
  }

  /// Whether a delete waits for the answer to "may older data lie deeper?".
  var isWaiting: Bool { waiting != nil }

  /// Ends the key. Returns the delete to write last, if one must hide data in deeper levels.
  mutating func finish(mayHaveOlder: Bool) -> SequenceNumber? {
    defer { (newer, waiting) = (nil, nil) }
    if waiting != nil, !mayHaveOlder { counts.deletes &+= 1 }
    return mayHaveOlder ? waiting : nil
  }

  /// Counts an entry of a dropped keyspace.
  mutating func dropWithKeyspace() { counts.ofDroppedKeyspaces &+= 1 }
}

/// What a compaction left out, and why.
struct DropCounts: Equatable, Sendable {
  /// Versions that newer ones hide from every reader.
  var overwritten: UInt64 = 0
  /// Puts that became deletes because they had expired.
  var expired: UInt64 = 0
  /// Deletes, expired puts among them, that had nothing left to hide.
  var deletes: UInt64 = 0
  /// Entries of keyspaces that were dropped.
  var ofDroppedKeyspaces: UInt64 = 0
}
