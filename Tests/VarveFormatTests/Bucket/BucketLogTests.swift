import Testing
import VarveFormat
import VarveTestSupport

extension BucketLog {
  /// Three batches, one behind the other.
  static func sample() throws -> BucketLog {
    var log = BucketLog(
      storeID: FileID(low: 5, high: 6), number: 9, epoch: 2, writer: FileID(low: 11, high: 12),
      nonce: FileID(low: 13, high: 14), batches: [])
    var next: UInt64 = 101
    for size in 1...3 {
      let batch = try Self.batch(size, at: next)
      log.batches.append(batch)
      next += batch.count
    }
    return log
  }

  static func batch(_ size: Int, at first: UInt64) throws -> Batch {
    var encoder = BatchEncoder()
    for number in 0..<size {
      try Array("key \(number)".utf8).withByteView { key in
        try [UInt8](repeating: 7, count: 20 * number).withByteView { value in
          try encoder.put(key, in: 1, value, expiry: UInt64(number))
        }
        try encoder.delete(key, in: 2)
      }
    }
    return Batch(
      first: SequenceNumber(first), count: UInt64(encoder.count),
      payload: encoder.withPayload { $0.array })
  }

  init(object: [UInt8], named number: UInt64 = 9) throws(FormatError) {
    self = try object.withByteView { view throws(FormatError) in
      try BucketLog(decoding: view, named: number)
    }
  }
}

@Suite struct BucketLogTests {
  @Test func aLogReadsBackAsItWasWritten() throws {
    let log = try BucketLog.sample()
    #expect(try BucketLog(object: log.encoded()) == log)
    #expect(log.last == SequenceNumber(112))
    var end = log
    end.batches = []
    #expect(try BucketLog(object: end.encoded()) == end)
    #expect(end.last == nil)
  }

  @Test func everyChangedBitAndEveryOtherLengthIsNoticed() throws {
    let whole = try BucketLog.sample().encoded()
    for bit in 0..<whole.count * 8 {
      var damaged = whole
      damaged[bit / 8] ^= 1 << (bit % 8)
      if (try? BucketLog(object: damaged)) != nil { Issue.record("bit \(bit)") }
    }
    for count in 0..<whole.count where (try? BucketLog(object: Array(whole.prefix(count)))) != nil {
      Issue.record("\(count) bytes")
    }
    #expect(throws: FormatError(.bucketObject, .excess, at: UInt64(whole.count))) {
      try BucketLog(object: whole + [0])
    }
  }

  /// Signed again, so that the rules behind the checksums are asked: an error or a log, no trap.
  @Test func noChangedByteTraps() throws {
    let whole = try BucketLog.sample().encoded()
    var refused = 0
    for place in 16..<whole.count - 4 {
      for byte: UInt8 in [0, 1, 4, 0x7f, 0x80, 0xff] where whole[place] != byte {
        var forged = whole
        forged[place] = byte
        forged.resignObject()
        if (try? BucketLog(object: forged)) == nil { refused += 1 }
      }
    }
    #expect(refused > 500)
  }

  @Test func rulesAreKept() throws {
    func refusal(_ change: (inout BucketLog) throws -> Void) throws -> FormatError.Fault? {
      var log = try BucketLog.sample()
      try change(&log)
      do throws(FormatError) {
        _ = try BucketLog(object: log.encoded())
        return nil
      } catch {
        return error.fault
      }
    }
    #expect(try refusal { _ in } == nil)
    #expect(try refusal { $0.number = 8 } == .value("number"))
    #expect(try refusal { $0.epoch = 0 } == .limit("epoch"))
    #expect(try refusal { $0.epoch = 1 << 60 } == .limit("epoch"))
    #expect(try refusal { $0.batches.swapAt(0, 1) } == .order)
    #expect(try refusal { $0.batches.remove(at: 1) } == .order)
    #expect(try refusal { $0.batches[0].first = .zero } == .limit("sequence"))
    #expect(
      try refusal {
        $0.batches = [$0.batches[1]]
        $0.batches[0].first = SequenceNumber((1 << 56) - 3)
      } == .limit("sequence"))
    #expect(
      try refusal {
        var pointing = BatchEncoder()
        let pointer = ValuePointer(
          file: 3, offset: 4096, storedCount: 30, fullCount: 30, checksum: 5, codec: .none)
        try [UInt8(1)].withByteView { try pointing.put($0, in: 1, at: pointer) }
        $0.batches = [
          BucketLog.Batch(
            first: SequenceNumber(1), count: 1, payload: pointing.withPayload { $0.array })
        ]
      } == .value("entry kind"))
  }
}
