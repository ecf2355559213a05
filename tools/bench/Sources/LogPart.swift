import VarveFormat
import VarvePlatform

/// A record into the log: framed, appended to a log that is stored into (where the file system allows
/// that) and to one that is written, and made durable.
enum LogPart {
  static func measure(_ setting: Setting) throws -> [Line] {
    let payload = try payload()
    return [
      Line(
        part: "log", what: "frame a record", unit: .nanoseconds,
        value: frame(payload, setting.rounds), limit: setting.limits.copyRecord,
        limitName: "copy of its bytes"),
      Line(
        part: "log", what: "frame and append, by storing", unit: .nanoseconds,
        value: try append(payload, setting, in: setting.directory, count: 40_000),
        limit: setting.limits.copyRecord, limitName: "copy of its bytes"),
      Line(
        part: "log", what: "frame and append, by writing", unit: .nanoseconds,
        value: try append(payload, setting, in: setting.writingDirectory, count: 40_000),
        limit: setting.limits.pwrite, limitName: "bare pwrite"),
      Line(
        part: "log", what: "frame, append, sync", unit: .microseconds,
        value: try append(payload, setting, in: setting.directory, count: 100, isSynced: true)
          / 1_000,
        limit: setting.limits.synced / 1_000, limitName: "bare pwrite and fdatasync"),
    ]
  }

  /// A batch of one entry, 16 and 72 bytes: a record of 144 with header and padding.
  private static func payload() throws -> [UInt8] {
    var encoder = BatchEncoder()
    var numbers = Numbers(seed: 9)
    try numbers.bytes(16).withByteView { key in
      try numbers.bytes(72).withByteView { try encoder.put(key, in: 1, $0) }
    }
    return encoder.withPayload { $0.array }
  }

  private static let identity = LogIdentity(number: 1, salt: 2)

  private static func frame(_ payload: [UInt8], at offset: Int, into writer: inout ByteWriter) {
    payload.withByteView { payload in
      LogFramer.frame(
        .batch, payload, firstSequence: SequenceNumber(1), watermark: .none, identity: identity,
        offset: UInt64(offset), into: &writer)
    }
  }

  private static func frame(_ payload: [UInt8], _ rounds: Int) -> Double {
    var writer = ByteWriter(reserving: 256)
    let count = 1_000_000
    return time(rounds: rounds, count: count) {
      for _ in 0..<count {
        writer.removeAll()
        frame(payload, at: 64, into: &writer)
      }
      use(writer.count)
    }
  }

  private static func append(
    _ payload: [UInt8], _ setting: Setting, in directory: any Directory, count: Int,
    isSynced: Bool = false
  ) throws -> Double {
    let recordBytes = LogFramer.framedCount(payload: payload.count)
    var writer = ByteWriter(reserving: 256)
    let name = "log-bench"
    let log = try directory.createLog(name, capacity: UInt64(64 + count * recordBytes))
    defer {
      try? log.close()
      try? directory.remove(name)
    }
    return try time(rounds: setting.rounds, count: count) {
      var offset = 64
      for _ in 0..<count {
        writer.removeAll()
        frame(payload, at: offset, into: &writer)
        try writer.bytes.withByteView { try log.append($0, at: UInt64(offset)) }
        if isSynced { try log.sync() }
        offset += recordBytes
      }
    }
  }
}
