import VarveFormat

/// Headers, names, manifests and keyspace records.
enum FileVectors {
  static var headers: [Vector] {
    let samples = FileHeaderTests.samples
    let log = samples[0]
    func signed(_ header: FileHeader, _ place: Int, _ value: UInt8) -> [UInt8] {
      FileHeaderTests.signed(header) { $0[place] = value }
    }
    func header(
      _ name: String, _ bytes: [UInt8], _ kind: FileName.Kind = .log, bad: Bool = true
    ) -> Vector {
      Vector("header", name, "", input: .header(bytes, kind), bad: bad)
    }
    return samples.map { header($0.kind.rawValue, $0.encoded(), $0.kind, bad: false) } + [
      header("read-compatible flag", signed(log, 16, 2), bad: false),
      header("compatible flag", signed(log, 23, 4), bad: false),
      header("no bytes", []),
      header("seven bytes", Array(log.encoded().prefix(7))),
      header("63 bytes", Array(log.encoded().prefix(63))),
      header("other kind", log.encoded(), .manifest),
      header("changed bit", log.encoded().flippingBit(300)),
      header("changed checksum", log.encoded().flippingBit(500)),
      header("newer version", signed(log, 8, 1)),
      header("other length", signed(log, 10, 65)),
      header("incompatible flag", signed(log, 15, 0x80)),
      header("reserved byte", signed(log, 59, 1)),
      header("salt too long", signed(log, 40, 1)),
      header("segment with a number", signed(samples[2], 24, 1), .segment),
      header("segment with a store tag", signed(samples[2], 48, 1), .segment),
    ]
  }

  static var names: [Vector] {
    let good = [
      "log-00000000000000a4", "segment-00ffffffffffffff", "values-0000000000000000",
      "manifest-0100000000000000",
    ]
    let bad = [
      "segment-0100000000000000", "manifest-0100000000000001",
      "", "log", "log-a4", "log-00000000000000A4", "log-00000000000000a4.new",
      "xlog-00000000000000a4", "log-000000000000000a4", "lock", "../log-00000000000000a4",
    ]
    return good.map { Vector("name", $0, "", input: .text($0)) }
      + bad.map { Vector("name", $0, "", input: .text($0), bad: true) }
  }

  static var manifests: [Vector] {
    let file = Manifest.sample.encoded()
    var first = Manifest(storeID: FileID(low: 1, high: 2))
    first.number = 1
    let other = first.encoded().prefix(64) + file[64...]
    func bad(_ name: String, _ bytes: [UInt8]) -> Vector {
      Vector("manifest", name, "", bytes, bad: true)
    }
    return [
      Vector("manifest", "first", "of an empty store", first.encoded()),
      Vector("manifest", "full", "every list and field holds something", file),
      Vector("manifest", "ignorable field", "tag 9", withFields(first, [1, 9, 2, 5, 5])),
      bad("field that must be known", withFields(first, [1, 8, 0])),
      bad("fields out of order", withFields(first, [2, 9, 0, 9, 0])),
      bad("field cut", withFields(first, [1, 9, 2, 5])),
      bad("order with bytes", orderWithBytes),
      bad("body of another store", Array(other)),
      bad("changed bit", file.flippingBit(900)),
      bad("cut", Array(file.dropLast(5))),
      bad("cut before the body", Array(file.prefix(70))),
      bad("excess", file + [0]),
    ] + ruleBreaches
  }

  /// The field of a value file that says that its values are in order, and says more.
  private static var orderWithBytes: [UInt8] {
    var manifest = Manifest.sample
    manifest.valueFiles[1].isOrdered = true
    // What stands last: one field, tag 1, no bytes; no fields of the manifest; the checksum.
    var bytes = Array(manifest.encoded().dropLast(6)) + [1, 7, 0, 0, 0, 0, 0]
    bytes.set(UInt32(bytes.count - 76), at: 64)
    Manifest.resign(&bytes)
    return bytes
  }

  private static func withFields(_ manifest: Manifest, _ fields: [UInt8]) -> [UInt8] {
    var bytes = Array(manifest.encoded().dropLast(5)) + fields + [0, 0, 0, 0]
    bytes.set(UInt32(bytes.count - 76), at: 64)
    Manifest.resign(&bytes)
    return bytes
  }

  private static var ruleBreaches: [Vector] {
    (ManifestRuleTests.breaches + ManifestRuleTests.flawedRecords).filter { name, _, _ in
      // 65 KiB of key would be all that one sees.
      name != "key too long"
    }.map { name, _, change in
      var manifest = Manifest.sample
      change(&manifest)
      return Vector(
        "manifest", name, "checksums hold; a rule is broken", manifest.encoded(), bad: true)
    }
  }

  static var keyspaces: [Vector] {
    let sample = KeyspaceRecord.sample.encoded()
    func bad(_ name: String, _ place: Int, _ value: UInt8) -> Vector {
      var bytes = sample
      bytes[place] = value
      return Vector("keyspace", name, "", bytes, bad: true)
    }
    return [
      Vector("keyspace", "full", "every field holds something", sample),
      Vector("keyspace", "default", "the default policy", KeyspaceRecord(number: 1).encoded()),
      bad("newer version", 0, 1), bad("unknown compression", 1, 4), bad("level too high", 2, 23),
      bad("level without zstd", 1, 2), bad("alignment too small", 3, 2),
      bad("alignment too large", 3, 13), bad("number zero", 4, 0), bad("block too large", 14, 1),
      bad("reserved byte", 27, 1), bad("value size over the limit", 31, 0x41),
      Vector("keyspace", "cut", "", Array(sample.dropLast()), bad: true),
      Vector("keyspace", "excess", "", sample + [0], bad: true),
    ]
  }
}
