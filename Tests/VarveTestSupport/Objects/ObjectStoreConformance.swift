package import VarveObjects

/// What the engine relies on, asked of every kind of object store alike. Each rule uses names of its own,
/// so that one bucket serves them all.
package struct ObjectStoreConformance: Sendable, CustomStringConvertible {
  /// A store that breaks a rule.
  package struct Violation: Error, CustomStringConvertible {
    package var description: String
  }

  /// The rule, as a sentence.
  package let description: String
  private let rule: @Sendable (ObjectStoreProbe) throws -> Void

  /// Throws where `store` breaks the rule.
  package func check(_ store: any ObjectStore) throws {
    let folder = description.lowercased().map { $0 == " " ? "-" : String($0) }.joined()
    try rule(ObjectStoreProbe(store, folder: "conformance/\(folder.filter { $0 != "," })"))
  }

  init(_ description: String, _ rule: @escaping @Sendable (ObjectStoreProbe) throws -> Void) {
    self.description = description
    self.rule = rule
  }

  package static let rules = writing + reading + listing
}

// MARK: - Writing

extension ObjectStoreConformance {
  private static let writing = [
    ObjectStoreConformance("what was put is read") { probe in
      for count in [0, 1, 5, 4096, 100_000, 3_000_001] {
        let bytes = probe.bytes(count)
        _ = try probe.put("object-\(count)", bytes)
        try probe.expect(try probe.whole("object-\(count)") == bytes, "\(count) bytes changed")
      }
    },
    ObjectStoreConformance("putting again replaces") { probe in
      _ = try probe.put("a", probe.bytes(1000))
      _ = try probe.put("a", [1, 2])
      try probe.expect(try probe.whole("a") == [1, 2], "the first content is still there")
    },
    ObjectStoreConformance("put if absent makes one and refuses the next") { probe in
      _ = try probe.put("a", [1], if: .absent)
      try probe.expect(
        probe.code { _ = try probe.put("a", [2], if: .absent) } == .exists, "no error")
      try probe.expect(try probe.whole("a") == [1], "the refused content is there")
    },
    ObjectStoreConformance("put if absent works again after a removal") { probe in
      _ = try probe.put("a", [1], if: .absent)
      try probe.store.remove([probe.name("a")])
      _ = try probe.put("a", [2], if: .absent)
      try probe.expect(try probe.whole("a") == [2], "the second content is missing")
    },
    ObjectStoreConformance("a write tells the time") { probe in
      let receipt = try probe.put("a", [1])
      let status = try probe.store.status(of: probe.name("a"))
      guard let time = receipt.serverTime, let modified = status?.modified else {
        throw Violation(description: "no time was told")
      }
      let apart = time > modified ? time - modified : modified - time
      try probe.expect(apart < 10_000, "it was \(time), and the object is of \(modified)")
    },
    ObjectStoreConformance("removing removes what is there and passes over the rest") { probe in
      for name in ["a", "b", "c"] { _ = try probe.put(name, [1]) }
      try probe.store.remove([probe.name("a"), probe.name("nothing"), probe.name("c")])
      try probe.store.remove([probe.name("never/was")])
      try probe.store.remove([])
      try probe.expect(try probe.names("") == ["b"], "\(try probe.names("")) are left")
    },
    ObjectStoreConformance("content is asked for in pieces") { probe in
      let bytes = probe.bytes(5_000_003)
      let content = ObjectContent(count: UInt64(bytes.count)) { range throws(ObjectStoreError) in
        Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)])
      }
      _ = try probe.store.put(probe.name("a"), content, if: .always, class: nil)
      try probe.expect(try probe.whole("a") == bytes, "the bytes changed")
    },
    ObjectStoreConformance("content that fails leaves nothing") { probe in
      let content = ObjectContent(count: 3_000_000) { range throws(ObjectStoreError) in
        guard range.upperBound <= 1_500_000 else { throw ObjectStoreError(.invalid, "of the test") }
        return [UInt8](repeating: 7, count: range.count)
      }
      let code = probe.code {
        _ = try probe.store.put(probe.name("a"), content, if: .absent, class: nil)
      }
      try probe.expect(
        code == .invalid, "ended with \(code.map(String.init(describing:)) ?? "nothing")")
      try probe.expect(try probe.store.status(of: probe.name("a")) == nil, "a part is there")
    },
  ]
}

// MARK: - Reading

extension ObjectStoreConformance {
  private static let reading = [
    ObjectStoreConformance("ranges are what they say") { probe in
      let bytes = probe.bytes(10_000)
      _ = try probe.put("a", bytes)
      let cases: [(ObjectRange, Range<Int>)] = [
        (.bytes(offset: 0, count: 10), 0..<10), (.bytes(offset: 100, count: 1), 100..<101),
        (.bytes(offset: 0, count: 10_000), 0..<10_000),
        (.bytes(offset: 9_990, count: 10), 9_990..<10_000),
        (.bytes(offset: 9_990, count: 1_000), 9_990..<10_000),
        (.suffix(count: 1), 9_999..<10_000), (.suffix(count: 64), 9_936..<10_000),
        (.suffix(count: 10_000), 0..<10_000), (.suffix(count: 20_000), 0..<10_000),
      ]
      for (range, expected) in cases {
        let part = try probe.store.read(probe.name("a"), range)
        try probe.expect(part.bytes == Array(bytes[expected]), "\(range): other bytes")
        try probe.expect(part.offset == UInt64(expected.lowerBound), "\(range): at \(part.offset)")
        try probe.expect(part.objectSize == 10_000, "\(range): of \(part.objectSize)")
      }
    },
    ObjectStoreConformance("nothing lies behind the end") { probe in
      _ = try probe.put("a", probe.bytes(100))
      let part = try probe.store.read(probe.name("a"), .bytes(offset: 100, count: 10))
      try probe.expect(part.bytes.isEmpty && part.objectSize == 100, "\(part)")
    },
    ObjectStoreConformance("an empty object is an object") { probe in
      _ = try probe.put("a", [])
      try probe.expect(try probe.store.status(of: probe.name("a"))?.size == 0, "no size")
      let part = try probe.store.read(probe.name("a"), .suffix(count: 10))
      try probe.expect(part.bytes.isEmpty && part.objectSize == 0, "\(part)")
    },
    ObjectStoreConformance("what is not there is absent") { probe in
      let name = probe.name("nothing")
      try probe.expect(try probe.store.status(of: name) == nil, "it has a status")
      let code = probe.code { _ = try probe.store.read(name, .suffix(count: 10)) }
      try probe.expect(code == .absent, "reading it ends otherwise")
    },
    ObjectStoreConformance("a status tells the size") { probe in
      _ = try probe.put("a", probe.bytes(123_456))
      let status = try probe.store.status(of: probe.name("a"))
      try probe.expect(status?.size == 123_456 && status?.access == .readable, "\(status as Any)")
    },
  ]
}

// MARK: - Listing

extension ObjectStoreConformance {
  private static let listing = [
    ObjectStoreConformance("listings ascend by bytes") { probe in
      let names = ["a", "a-b", "a.b", "a/b", "a0", "a/a/a", "b/z", "c_", "a_"].filter {
        // What is a directory cannot be an object of some stores.
        $0 != "a"
      }
      for name in names { _ = try probe.put(name, [1, 2, 3]) }
      let sorted = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      try probe.expect(try probe.names("") == sorted, "\(try probe.names(""))")
    },
    ObjectStoreConformance("a prefix need not end at a slash") { probe in
      for name in ["seg/00/a", "seg/01/a", "seg/0", "sea/b", "set"] { _ = try probe.put(name, [1]) }
      try probe.expect(try probe.names("se").count == 5, "se")
      try probe.expect(try probe.names("seg/0") == ["seg/0", "seg/00/a", "seg/01/a"], "seg/0")
      try probe.expect(try probe.names("seg/01/") == ["seg/01/a"], "seg/01/")
      try probe.expect(try probe.names("nothing/").isEmpty, "nothing/")
    },
    ObjectStoreConformance("listings begin behind a place") { probe in
      for number in 0..<10 { _ = try probe.put("n\(number)", [1]) }
      let after = try probe.store.list(probe.path("n"), after: probe.path("n6"), limit: 1000)
      try probe.expect(after.entries.count == 3 && after.end == nil, "\(after)")
      let between = try probe.store.list(probe.path("n"), after: probe.path("n6x"), limit: 1000)
      try probe.expect(between.entries.count == 3, "\(between)")
    },
    ObjectStoreConformance("listings come in pages") { probe in
      for number in 0..<25 {
        _ = try probe.put("n\(100 + number)", [UInt8](repeating: 1, count: number))
      }
      var sizes: [UInt64] = []
      var pages = 0
      var place: String?
      repeat {
        let page = try probe.store.list(probe.path("n"), after: place, limit: 10)
        sizes += page.entries.map(\.size)
        try probe.expect(page.entries.count <= 10, "a page has \(page.entries.count)")
        (place, pages) = (page.end, pages + 1)
      } while place != nil && pages < 30
      try probe.expect(sizes == (0..<25).map { UInt64($0) }, "\(sizes) in \(pages) pages")
    },
  ]
}

/// A store and a folder of one rule.
package struct ObjectStoreProbe {
  let store: any ObjectStore
  private let folder: String

  init(_ store: any ObjectStore, folder: String) {
    self.store = store
    self.folder = folder
  }

  func expect(_ holds: Bool, _ otherwise: @autoclosure () throws -> String) throws {
    if !holds { throw ObjectStoreConformance.Violation(description: try otherwise()) }
  }

  func path(_ name: String) -> String { "\(folder)/\(name)" }

  func name(_ name: String) -> ObjectName {
    guard let name = ObjectName(path(name)) else { preconditionFailure("no name: \(name)") }
    return name
  }

  func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 13) }
  }

  func put(
    _ name: String, _ bytes: [UInt8], if condition: PutCondition = .always
  ) throws -> ObjectReceipt {
    try store.put(self.name(name), ObjectContent(bytes), if: condition, class: nil)
  }

  func whole(_ name: String) throws -> [UInt8] {
    try store.read(self.name(name), .bytes(offset: 0, count: 1 << 30)).bytes
  }

  /// Names below the folder, without it.
  func names(_ prefix: String) throws -> [String] {
    let listing = try store.list(path(prefix), after: nil, limit: 1000)
    return listing.entries.map { String($0.name.description.dropFirst(folder.count + 1)) }
  }

  func code(_ body: () throws -> Void) -> ObjectStoreError.Code? {
    do {
      try body()
      return nil
    } catch {
      return (error as? ObjectStoreError)?.code
    }
  }
}
