import Testing
import VarveFormat
import VarveTestSupport

extension BucketManifest {
  /// A manifest in which every field holds something.
  static var sample: BucketManifest {
    var version = Manifest.sample
    version.logs = []
    let count = version.segments.count + version.valueFiles.count
    return BucketManifest(
      number: 7, predecessorDigest: (0..<32).map { $0 }, epoch: 3,
      writer: FileID(low: 11, high: 12), nonce: FileID(low: 13, high: 14),
      serverTime: 1_700_000_000_000, logFloor: 21, version: version,
      objects: (0..<count).map { .sample($0, epoch: UInt64(1 + $0 % 3)) },
      garbage: [
        BucketGarbage(BucketFile(.segment, 4, .sample(90, epoch: 1)), since: 5),
        BucketGarbage(BucketFile(.segment, 4, .sample(91, epoch: 2)), since: 6),
        BucketGarbage(BucketFile(.values, 3, .sample(92, epoch: 1)), since: 7),
      ])
  }

  init(object: [UInt8], named number: UInt64 = 7) throws(FormatError) {
    self = try object.withByteView { view throws(FormatError) in
      try BucketManifest(decoding: view, named: number)
    }
  }
}

extension BucketObject {
  static func sample(_ number: Int, epoch: UInt64) -> BucketObject {
    BucketObject(
      epoch: epoch, digest: [UInt8](repeating: UInt8(number), count: 32), tailBytes: 9)
  }
}

extension [UInt8] {
  /// Writes right checksums over the frame and the body of an object that a test changed.
  mutating func resignObject() {
    set(prefix(44).withByteView(CRC32C.checksum(of:)), at: 44)
    let kind = [self[10], self[11], 0, 0, 0, 0, 0, 0]
    let sum = (kind + self[16..<40] + self[48..<count - 4])[...]
      .withByteView(CRC32C.checksum(of:))
    set(sum, at: count - 4)
  }
}

@Suite struct BucketObjectTests {
  @Test func objectsReadBackAsTheyWereWritten() throws {
    let manifest = BucketManifest.sample
    #expect(try BucketManifest(object: manifest.encoded()) == manifest)
    let identity = BucketIdentity(storeID: FileID(low: 1, high: 2), created: 77)
    #expect(try identity.encoded().withByteView { try BucketIdentity(decoding: $0) } == identity)
    let pin = BucketPin(
      storeID: FileID(low: 1, high: 2), manifest: 9, kind: .reader, expires: 88,
      nonce: FileID(low: 3, high: 4))
    #expect(try pin.encoded().withByteView { try BucketPin(decoding: $0) } == pin)
  }

  @Test func theFileOfADirectoryReadsBackAndALongLocationIsCutBetweenCharacters() throws {
    func read(_ tie: BucketTie) throws -> BucketTie {
      try tie.encoded().withByteView { try BucketTie(decoding: $0) }
    }
    var tie = BucketTie(
      location: "s3://bücket/a", writers: [FileID(low: 1, high: 2)], head: .sample,
      storeID: BucketManifest.sample.version.storeID, state: .fenced)
    #expect(try read(tie) == tie)
    tie.apartSince = .init(manifest: 8, last: SequenceNumber(9))
    #expect(try read(tie) == tie)
    tie.location = "x" + String(repeating: "ü", count: 40_000)
    #expect(try read(tie).location == tie.location.prefix(1 + 32_767))
  }

  @Test func everyChangedBitIsNoticed() {
    let whole = BucketManifest.sample.encoded()
    for bit in 0..<whole.count * 8 {
      var damaged = whole
      damaged[bit / 8] ^= 1 << (bit % 8)
      if (try? BucketManifest(object: damaged)) != nil { Issue.record("bit \(bit)") }
    }
  }

  @Test func everyOtherLengthIsNoticed() {
    let whole = BucketManifest.sample.encoded()
    for count in 0..<whole.count {
      if (try? BucketManifest(object: Array(whole.prefix(count)))) != nil {
        Issue.record("\(count) bytes")
      }
    }
    #expect(throws: FormatError(.bucketObject, .excess, at: UInt64(whole.count))) {
      try BucketManifest(object: whole + [0])
    }
  }

  /// Signed again, so that the rules behind the checksums are asked: an error or a manifest, no trap.
  @Test func noChangedByteTraps() {
    let whole = BucketManifest.sample.encoded()
    var refused = 0
    for place in 16..<whole.count - 4 {
      for byte: UInt8 in [0, 0x7f, 0x80, 0xff] where whole[place] != byte {
        var forged = whole
        forged[place] = byte
        forged.resignObject()
        if (try? BucketManifest(object: forged)) == nil { refused += 1 }
      }
    }
    #expect(refused > whole.count)
  }

  @Test func anotherNumberOrKindIsRefused() {
    let whole = BucketManifest.sample.encoded()
    #expect(throws: FormatError(.bucketObject, .value("number"), at: 16)) {
      try BucketManifest(object: whole, named: 8)
    }
    #expect(throws: FormatError(.bucketObject, .value("kind"), at: 10)) {
      try whole.withByteView { try BucketPin(decoding: $0) }
    }
  }

  @Test func rulesBetweenRecordsAreKept() {
    func refusal(_ change: (inout BucketManifest) -> Void) -> FormatError.Fault? {
      var manifest = BucketManifest.sample
      change(&manifest)
      do throws(FormatError) {
        _ = try BucketManifest(object: manifest.encoded(), named: manifest.number)
        return nil
      } catch {
        return error.fault
      }
    }
    #expect(refusal { _ in } == nil)
    #expect(refusal { $0.number = 0 } == .limit("number"))
    #expect(refusal { $0.epoch = 0 } == .limit("epoch"))
    #expect(refusal { $0.logFloor = 1 << 57 } == .limit("log floor"))
    #expect(refusal { $0.epoch = 2 } == .value("epoch"))
    #expect(refusal { $0.objects[0].epoch = 0 } == .value("epoch"))
    #expect(refusal { $0.objects[0].tailBytes = 1 << 40 } == .value("tail"))
    #expect(refusal { $0.version.segments[0].size = 1 << 60 } == .limit("size"))
    let larger: (inout BucketManifest) -> Void = {
      $0.version.segments[0].size = 1 << 40
      $0.objects[0].tailBytes = 1 << 30
    }
    #expect(refusal(larger) == .limit("tail"))
    #expect(refusal { $0.garbage.swapAt(0, 1) } == .order)
    #expect(refusal { $0.garbage[1] = $0.garbage[0] } == .order)
    #expect(refusal { $0.garbage = [BucketGarbage($0.files[0], since: 1)] } == .value("garbage"))
    #expect(refusal { $0.version.isCleanlyClosed = false } == .value("logs"))
    #expect(
      refusal { $0.version.logs = [LogExtent(number: 95, length: 64, lastSequence: .zero)] }
        == .value("logs"))
  }
}
