import Varve
import VarveFormat
import VarveTestSupport

// What an exam reads again in other ways.

extension DirectoryExam {
  /// Some entries again: several keys at once, by cursors that seek both ways, through a snapshot.
  ///
  /// A forged index or filter hides from these what a scan shows; an error or nothing is right then.
  func look(
    for entries: [KeyValue], in keyspace: Keyspace, of store: SegmentStore, isSound: Bool
  ) {
    let some = stride(from: 0, to: entries.count, by: max(1, entries.count / 12)).map {
      entries[$0]
    }
    let keys = some.map(\.key)
    let expected = some.map { Optional($0.value) }
    let together = attempt { try keyspace.values(for: keys) }
    promise(!isSound || together == expected, "entries that were seen are not found together")
    let before = attempt { () throws -> [[UInt8]?] in
      let snapshot = try store.snapshot()
      return try snapshot.values(for: keys, in: keyspace)
    }
    promise(!isSound || before == expected, "entries that were seen are not in a snapshot")
    for order in [ScanOrder.ascending, .descending] {
      for entry in some { seek(entry, order, in: keyspace, isSound: isSound) }
    }
  }

  /// Where a cursor stands that seeks a key, the key is, or one behind it in its order.
  private func seek(
    _ entry: KeyValue, _ order: ScanOrder, in keyspace: Keyspace, isSound: Bool
  ) {
    let found = attempt { () throws -> KeyValue? in
      var cursor = try keyspace.cursor(order: order)
      guard try cursor.seek(to: entry.key) else { return nil }
      return KeyValue([UInt8](copying: cursor.key), [UInt8](copying: cursor.value))
    }
    promise(!isSound || found == .some(entry), "a cursor does not find what was seen")
    guard let found = found ?? nil else { return }
    let step = entry.key.order(against: found.key)
    promise(order == .ascending ? step <= 0 : step >= 0, "a cursor stands before what it seeks")
  }
}

extension DirectoryExam {
  /// A snapshot shows what was there when it was taken, whatever was written and moved since.
  func check(_ snapshot: Snapshot, of store: SegmentStore, shows content: Content) {
    for keyspace in store.keyspaces {
      guard let expected = content[KeyspaceName(keyspace.name)], expected.count < Self.mostEntries
      else {
        continue
      }
      let found = attempt { try keyspace.entries(at: snapshot) } ?? []
      promise(
        found.count == expected.count && found.allSatisfy { expected[$0.key] == $0.value },
        "a snapshot of a store that was rewritten shows something else")
    }
  }
}
