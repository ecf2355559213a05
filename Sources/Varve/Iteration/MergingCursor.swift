import VarveFormat

/// Walks the entries of many sources as one, in the order of entries.
///
/// No two sources hold the same version of a key. The memory a source lends is not touched after
/// that source has moved. Sources may gain entries while the cursor stands (a memtable does): they
/// are seen or not, and the order holds.
struct MergingCursor<Source: EntryCursor>: EntryCursor {
  /// The only source: always on top, it needs no heap.
  private var lone: Source?
  /// All sources where there are several.
  private var several: SourceHeap<Source>?
  /// The entry on top. Nil also says that the sources stand anywhere: nowhere is where an error leaves us.
  private(set) var entry: EntryView?

  /// Sources in order merge in order, so the one on top is to blame.
  var disorder: StoreError {
    lone?.disorder ?? several?.disorder ?? StoreError(.corrupted, "out of order")
  }

  init(_ sources: [Source]) {
    self.init()
    for source in sources { add(source) }
  }

  /// Without a source; see ``add(_:)``.
  init() {}

  /// Adds a source, before the first move.
  mutating func add(_ source: Source) {
    if several != nil {
      several?.add(source)
    } else if let first = lone {
      several = SourceHeap([first, source])
      lone = nil
    } else {
      lone = source
    }
  }
}

// MARK: - Seeking

extension MergingCursor {
  mutating func seekToFirst() throws(StoreError) {
    entry = nil
    if several != nil {
      try several?.seek(.forward) { source throws(StoreError) in try source.seekToFirst() }
    } else {
      try lone?.seekToFirst()
    }
    stand()
  }

  mutating func seekToLast() throws(StoreError) {
    entry = nil
    if several != nil {
      try several?.seek(.backward) { source throws(StoreError) in try source.seekToLast() }
    } else {
      try lone?.seekToLast()
    }
    stand()
  }

  mutating func seek(_ key: ByteView, _ sequence: SequenceNumber) throws(StoreError) {
    entry = nil
    if several != nil {
      try several?.seek(.forward) { source throws(StoreError) in try source.seek(key, sequence) }
    } else {
      try lone?.seek(key, sequence)
    }
    stand()
  }

  mutating func seek(before key: ByteView, _ sequence: SequenceNumber) throws(StoreError) {
    entry = nil
    if several != nil {
      try several?.seek(.backward) { source throws(StoreError) in
        try source.seek(before: key, sequence)
      }
    } else {
      try lone?.seek(before: key, sequence)
    }
    stand()
  }

  /// Shows where the sources stand.
  @inline(__always)
  private mutating func stand() {
    entry = several != nil ? several?.entry : lone?.entry
  }
}

// MARK: - Stepping

extension MergingCursor {
  mutating func next() throws(StoreError) {
    guard entry != nil else { return }
    entry = nil
    if several != nil { try several?.step(.forward) } else { try lone?.next() }
    stand()
  }

  mutating func previous() throws(StoreError) {
    guard entry != nil else { return }
    entry = nil
    if several != nil { try several?.step(.backward) } else { try lone?.previous() }
    stand()
  }
}

// MARK: - Walking in a block

extension MergingCursor {
  /// In the source on top, up to where another source's entry comes next.
  mutating func begin(_ run: inout BlockRun, _ terms: RunTerms) {
    guard entry != nil else { return }
    if several != nil { several?.begin(&run, terms) } else { lone?.begin(&run, terms) }
  }

  mutating func moveInBlock(to index: Int) throws(StoreError) {
    guard entry != nil else { return }
    entry = nil
    if several != nil {
      try several?.moveInBlock(to: index)
    } else {
      try lone?.moveInBlock(to: index)
    }
    stand()
  }
}
