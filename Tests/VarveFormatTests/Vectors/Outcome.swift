import VarveFormat
import VarveTestSupport

// What the decoders make of a vector, as the specification names it.

extension Vector {
  /// The fields that were read, or nil and the error.
  func outcome() throws -> (accepted: Bool, json: JSON) {
    do {
      return (true, try decoded())
    } catch let error as FormatError {
      return (false, .object([("error", .object(error.members))]))
    } catch let damage as LogDamage {
      let file = [("file", JSON.text(damage.file.description))]
      return (false, .object([("error", .object(file + damage.error.members))]))
    }
  }

  private func decoded() throws -> JSON {
    switch input {
    case .header(let bytes, let kind): return try FileHeaderTests.decode(bytes, kind).json
    case .files(let files): return try Self.store(files)
    case .text(let text):
      guard let name = FileName(parsing: text) else {
        throw FormatError(.fileName, .value("name"), at: 0)
      }
      return .object([("kind", .text(name.kind.rawValue)), ("number", .number(name.number))])
    case .object(let bytes, let kind, let number):
      return try bytes.withByteView { try Self.object($0, kind, named: number) }
    case .bytes(let bytes):
      switch kind {
      case "log": return try Self.log(bytes)
      case "batch": return .object([("entries", .list(try BatchItem.decode(bytes).map(\.json)))])
      case "manifest": return try Manifest(file: bytes).json
      default: return try KeyspaceRecord(value: bytes).json
      }
    }
  }

  private static func log(_ bytes: [UInt8]) throws -> JSON {
    let header = try FileHeaderTests.decode(bytes, .log)
    let identity = LogIdentity(number: header.number, salt: header.identity.low)
    let walk = LogWalkResult(bytes, identity)
    var end: [(String, JSON)] = [("offset", .number(walk.offset)), ("reason", "clean")]
    switch walk.end {
    case .invalid(.torn(let error)):
      end[1].1 = "torn"
      end += [("error", .object(error.members))]
    case .invalid(.broken(let error)):
      end[1].1 = "broken"
      end += [("error", .object(error.members))]
    default: break
    }
    return .object([
      ("number", .number(identity.number)), ("salt", .number(identity.salt)),
      ("records", .list(walk.records.map(\.json))), ("end", .object(end)),
    ])
  }

  private static func store(_ files: [(FileName, [UInt8])]) throws -> JSON {
    guard
      let newest = files.filter({ $0.0.kind == .manifest }).max(by: { $0.0.number < $1.0.number })
    else { throw FormatError(.manifest, .missing, at: 0) }
    let manifest = try Manifest(file: newest.1, named: newest.0.number)
    let logs = files.filter { $0.0.kind == .log }.map { (number: $0.0.number, bytes: $0.1) }
    return try Verdict(logs, manifest).json
  }
}

extension Vector {
  private static func object(
    _ bytes: ByteView, _ kind: ObjectFrame.Kind, named number: UInt64
  ) throws -> JSON {
    switch kind {
    case .store: try BucketIdentity(decoding: bytes).json
    case .manifest: try BucketManifest(decoding: bytes, named: number).json
    case .pin: try BucketPin(decoding: bytes).json
    case .tie: try BucketTie(decoding: bytes).json
    case .log: try BucketLog(decoding: bytes, named: number).json
    }
  }
}

extension FileHeader {
  var json: JSON {
    .object([
      ("kind", .text(kind.rawValue)), ("number", .number(number)),
      ("identity", [.number(identity.low), .number(identity.high)]),
      ("store_tag", .number(storeTag)),
      ("read_compatible_flags", .number(UInt64(readCompatibleFlags))),
      ("compatible_flags", .number(UInt64(compatibleFlags))),
    ])
  }
}

extension LogWalkResult.Record {
  var json: JSON {
    .object([
      ("offset", .number(offset)), ("end", .number(end)),
      ("type", type.map { .number(UInt64($0.rawValue)) } ?? .nothing),
      ("first_sequence", .number(firstSequence)), ("entries", .number(entryCount)),
      ("watermark", watermark.json), ("key_length", .number(keyCount)), ("payload", .hex(payload)),
    ])
  }
}

extension Verdict {
  var json: JSON {
    .object([
      ("replay", .list(ends.map(\.json))), ("batches", .list(batches.map(JSON.hex))),
      ("last_sequence", .number(lastSequence)), ("durable", durable.json),
      ("torn_tail", tornTail?.json ?? .nothing), ("orphans", .list(orphans.map(JSON.number))),
    ])
  }
}

extension TornTail {
  var json: JSON {
    .object([
      ("log", .number(position.log)), ("offset", .number(position.offset)),
      ("error", flaw.map { .object($0.error.members) } ?? .nothing),
      ("dropped_bytes", .number(droppedBytes)), ("dropped_records", .number(droppedRecords)),
      ("dropped_logs", .list(droppedLogs.map(JSON.number))),
    ])
  }
}

extension BatchItem {
  var json: JSON {
    .object([
      ("kind", .number(UInt64(kind.rawValue))), ("keyspace", .number(UInt64(keyspace))),
      ("key", .hex(key)), ("expiry", .number(expiry)), ("value", .hex(value)),
    ])
  }
}

extension KeyspaceRecord {
  var json: JSON {
    let stored = encoded()
    return .object([
      ("number", .number(UInt64(number))), ("compression", .number(UInt64(stored[1]))),
      ("compression_level", .number(UInt64(stored[2]))),
      ("value_alignment_log2", .number(UInt64(policy.valueAlignmentLog2))),
      ("large_value_bytes", .number(UInt64(policy.largeValueBytes))),
      ("block_bytes", .number(UInt64(policy.blockBytes))),
      ("time_to_live", .number(policy.timeToLive)),
      ("filter_bits_per_key", .number(UInt64(policy.filterBitsPerKey))),
      ("value_bytes", .number(UInt64(policy.valueBytes))),
    ])
  }
}

extension Manifest {
  var json: JSON {
    .object([
      ("number", .number(number)), ("store_id", [.number(storeID.low), .number(storeID.high)]),
      ("predecessor_digest", .hex(predecessorDigest)),
      ("next_file_number", .number(nextFileNumber)),
      ("last_sequence", .number(lastSequence.rawValue)), ("log_floor", .number(logFloor)),
      ("time_floor", .number(timeFloor)), ("cleanly_closed", .number(isCleanlyClosed ? 1 : 0)),
      ("logs", .list(logs.map(\.json))), ("segments", .list(segments.map(\.json))),
      ("value_files", .list(valueFiles.map(\.json))),
    ])
  }
}

extension LogExtent {
  var json: JSON {
    .object([
      ("number", .number(number)), ("length", .number(length)),
      ("last_sequence", .number(lastSequence.rawValue)),
    ])
  }
}

extension SegmentRecord {
  var json: JSON {
    let references = valueReferences.map { reference in
      JSON.object([
        ("file", .number(reference.file)), ("count", .number(reference.count)),
        ("bytes", .number(reference.bytes)),
      ])
    }
    return .object([
      ("number", .number(number)), ("id", [.number(id.low), .number(id.high)]),
      ("level", .number(UInt64(level))), ("size", .number(size)),
      ("smallest_key", .hex(smallestKey)), ("largest_key", .hex(largestKey)),
      ("smallest_sequence", .number(smallestSequence.rawValue)),
      ("largest_sequence", .number(largestSequence.rawValue)),
      ("entry_count", .number(entryCount)), ("key_count", .number(keyCount)),
      ("delete_count", .number(deleteCount)), ("expiring_count", .number(expiringCount)),
      ("earliest_expiry", .number(earliestExpiry)), ("latest_expiry", .number(latestExpiry)),
      ("raw_bytes", .number(rawBytes)), ("references", .list(references)),
      ("digest", .hex(digest)),
    ])
  }
}

extension ValueFileRecord {
  var json: JSON {
    .object([
      ("number", .number(number)), ("id", [.number(id.low), .number(id.high)]),
      ("size", .number(size)), ("value_count", .number(valueCount)),
      ("value_bytes", .number(valueBytes)), ("ordered", .number(isOrdered ? 1 : 0)),
    ])
  }
}
