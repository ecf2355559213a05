import Varve
import VarveTestSupport

// Reads of many keys in their order.

extension FaultedOperation {
  static let cursors: [FaultedOperation] = [
    ofEachKeyspace("forEach") { _, keyspace, entries in
      try expect(try keyspace.entries(), entries.map { KeyValue($0.key, $0.value) }, "forEach")
    },
    ofEachKeyspace("forEach, descending") { _, keyspace, entries in
      let wanted = entries.reversed().map { KeyValue($0.key, $0.value) }
      try expect(try keyspace.entries(order: .descending), wanted, "forEach, descending")
    },
    ofEachKeyspace("forEach in a range") { _, keyspace, entries in
      var found: [KeyValue] = []
      try keyspace.forEach(in: "key 1"..<"key 2") { key, value in
        found.append(KeyValue([UInt8](copying: key), [UInt8](copying: value)))
      }
      let wanted = entries.filter { $0.key.starts(with: "key 1".utf8) }
      try expect(found, wanted.map { KeyValue($0.key, $0.value) }, "forEach in a range")
    },
    ofEachKeyspace("cursor of a prefix") { _, keyspace, entries in
      var cursor = try keyspace.cursor(prefix: "key 2", order: .descending)
      for (key, value) in entries.reversed() where key.starts(with: "key 2".utf8) {
        try expect(try cursor.next(), true, "next")
        try expect([UInt8](copying: cursor.key), key, "a key of a prefix")
        try expect([UInt8](copying: cursor.value), value, "a value of a prefix")
      }
      try expect(try cursor.next(), false, "the end of a prefix")
    },
    ofEachKeyspace("cursor of keys") { _, keyspace, entries in
      var cursor = try keyspace.cursor(readsValues: false)
      for (key, _) in entries {
        try expect(try cursor.next(), true, "next")
        try expect([UInt8](copying: cursor.key), key, "a key")
        _ = cursor.expiry
      }
      try expect(try cursor.next(), false, "the end")
    },
    ofEachKeyspace("next, previous") { _, keyspace, entries in
      var cursor = try keyspace.cursor()
      for index in entries.indices {
        try expect(try cursor.next(), true, "next")
        try expect([UInt8](copying: cursor.value), entries[index].value, "next")
        guard index > 0 else { continue }
        try expect(try cursor.previous(), true, "previous")
        try expect([UInt8](copying: cursor.value), entries[index - 1].value, "previous")
        try expect(try cursor.next(), true, "next again")
        try expect([UInt8](copying: cursor.key), entries[index].key, "next again")
      }
    },
    ofEachKeyspace("seek") { _, keyspace, entries in
      var cursor = try keyspace.cursor()
      for (key, value) in entries {
        try expect(try cursor.seek(to: key), true, "seek")
        try expect([UInt8](copying: cursor.key), key, "the key sought")
        try expect([UInt8](copying: cursor.value), value, "the value sought")
      }
      try expect(try cursor.seek(to: "none such"), false, "seek behind the end")
    },
    ofEachKeyspace("refresh") { _, keyspace, entries in
      var cursor = try keyspace.cursor()
      _ = try cursor.next()
      try cursor.refresh()
      for (key, value) in entries {
        try expect(try cursor.next(), true, "next after a refresh")
        try expect([UInt8](copying: cursor.key), key, "a key after a refresh")
        try expect([UInt8](copying: cursor.value), value, "a value after a refresh")
      }
    },
    // A value that cannot be read costs one step. Whatever else fails goes on to fail: no walk ends early
    // in silence.
    ofEachKeyspace("next, again after an error") { _, keyspace, entries in
      var cursor = try keyspace.cursor()
      var failure: StoreError?
      var (seen, errors) = (0, 0)
      while errors <= entries.count {
        do throws(StoreError) {
          if try !cursor.next() { break }
          seen += 1
        } catch {
          failure = failure ?? error
          errors += 1
        }
      }
      if errors <= entries.count {
        try expect(seen + errors, entries.count, "an end, after an error")
      }
      if let failure { throw failure }
    },
  ]
}
