import VarveFormat

/// The entries that a compaction writes, in order: those of its inputs that the rules keep.
///
/// ```
/// inputs -> MergingCursor -> SurvivingEntries -> SegmentCutter and segment writer
///                              VersionSieve         a new segment where it says so
/// ```
///
/// An entry is lent until the next one is asked for. Deletes that come out of here may be expired
/// puts that went in. Any damage in an input throws and ends it: nothing is passed over.
struct SurvivingEntries<Source: EntryWalk>: ~Copyable {
  private var source: Source
  private var sieve: VersionSieve
  private let mayHaveOlder: (ByteView) -> Bool
  /// Up to which sequence number a version is given the one of all that are settled; zero for none.
  private let settledLimit: SequenceNumber
  private let end: KeyBound?
  /// The key whose versions are passing, and whether it has begun.
  private var key = ScratchBytes()
  /// Of the last version that passed; nil before the first.
  private var lastSequence: SequenceNumber?
  private var isInKey = false
  private var phase = Phase.read
  /// Thrown again at every further call, so that a damaged input cannot pass for a short one.
  private var failure: StoreError?
  private var keyspace: (number: UInt32, isDropped: Bool)?

  private enum Phase {
    /// The source stands on an entry nobody has looked at.
    case read
    /// The source stands on the entry that was lent last.
    case advance
    /// The source stands on an entry that is to be lent now.
    case lend
  }

  /// - Parameters:
  ///   - source: all inputs merged, standing on their first entry.
  ///   - mayHaveOlder: whether a version of a key may lie deeper than the output and outside the
  ///     inputs. Asked once at most for each key, in ascending order.
  ///   - isLowest: whether nothing lies deeper at all: what every reader sees comes to rest.
  ///   - end: the first key that is not this walk's any more; nil for no end.
  init(
    _ source: Source, _ rules: DropRules, isLowest: Bool = false, before end: [UInt8]? = nil,
    mayHaveOlder: @escaping (_ key: ByteView) -> Bool
  ) {
    self.source = source
    settledLimit = isLowest ? rules.oldest.sequence : .zero
    self.mayHaveOlder = mayHaveOlder
    self.end = end.map(KeyBound.init)
    sieve = VersionSieve(rules)
  }

  /// The largest sequence number among all entries so far, those left out included.
  private(set) var largestSequence = SequenceNumber.zero

  /// What was left out so far.
  var counts: DropCounts { sieve.counts }

  /// The next entry to write, lent until the next call; nil at the end.
  mutating func next() throws(StoreError) -> EntryView? {
    if let failure { throw failure }
    switch phase {
    case .read: break
    case .advance:
      phase = .read
      try advance()
    case .lend:
      phase = .advance
      guard let version = source.entry else { return nil }
      return settled(version)
    }
    while let version = source.entry {
      if !isInKey || !key.holds(version.key) {
        // The last delete of the key before goes first; the source waits.
        if let delete = finishKey() { return delete }
        if let end, !end.isAbove(version.key) { return nil }
        if lastSequence != nil, version.key <= key.view { throw fail(source.disorder) }
        begin(version.key)
      } else if let lastSequence, version.sequence > lastSequence {
        throw fail(source.disorder)
      }
      lastSequence = version.sequence
      if let entry = sift(version) { return entry }
      try advance()
    }
    return finishKey()
  }

  private mutating func advance() throws(StoreError) {
    do throws(StoreError) { try source.next() } catch { throw fail(error) }
  }

  private mutating func fail(_ error: StoreError) -> StoreError {
    failure = error
    return error
  }

  /// The entry to lend for a version, or nil when it is dropped.
  private mutating func sift(_ version: EntryView) -> EntryView? {
    largestSequence = max(largestSequence, version.sequence)
    if keyspace?.isDropped == true {
      sieve.dropWithKeyspace()
      return nil
    }
    switch sieve.take(version.sequence, version.kind, expiry: version.expiry) {
    case .drop:
      return nil
    case .keep(after: nil):
      phase = .advance
      return settled(version)
    case .keep(after: let delete?):
      phase = .lend
      return EntryView(key: key.view, sequence: delete, kind: .delete)
    }
  }

  private func settled(_ version: EntryView) -> EntryView {
    guard version.sequence <= settledLimit else { return version }
    var settled = version
    settled.sequence = DropRules.settledSequence
    return settled
  }

  private mutating func begin(_ newKey: ByteView) {
    key.copy(newKey)
    isInKey = true
    let number = newKey.uint32(at: 0)?.byteSwapped ?? 0
    if keyspace?.number != number { keyspace = (number, sieve.rules.dropsKeyspace(number)) }
  }

  /// Ends the key that is passing; returns its last delete if that must stay.
  private mutating func finishKey() -> EntryView? {
    guard isInKey else { return nil }
    isInKey = false
    let mayHaveOlder = sieve.isWaiting && mayHaveOlder(key.view)
    return sieve.finish(mayHaveOlder: mayHaveOlder).map {
      EntryView(key: key.view, sequence: $0, kind: .delete)
    }
  }
}
