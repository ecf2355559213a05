import VarveFormat
import VarveTestSupport

/// The objects of a bucket, and the file `bucket`.
enum BucketVectors {
  static func all() throws -> [Vector] {
    let frames = frames + identities
    return frames + manifests + brokenVersions + (try logs()) + (try brokenBatches()) + pins + ties
  }

  private static let storeID = FileID(low: 5, high: 6)
  private static let identity = BucketIdentity(storeID: storeID, created: 1_700_000_000_000)
    .encoded()
  private static let broken = "checksums hold; a rule is broken"

  private static func vector(
    _ kind: ObjectFrame.Kind, _ name: String, note: String = "", _ bytes: [UInt8],
    named number: UInt64 = 0, bad: Bool = true
  ) -> Vector {
    Vector("object", name, note, input: .object(bytes, kind, named: number), bad: bad)
  }
}

// MARK: - The frame, and `store`

extension BucketVectors {
  private static var frames: [Vector] {
    let end = identity.count - 4
    func bad(_ name: String, note: String = "", _ bytes: [UInt8]) -> Vector {
      vector(.store, "frame: \(name)", note: note, bytes)
    }
    func signed(_ place: Int, _ value: UInt8) -> [UInt8] {
      identity.changed { $0[place] = value }
    }
    var moved = identity
    moved[24] = 9
    moved.set(moved.prefix(44).withByteView(CRC32C.checksum(of:)), at: 44)
    var longest = identity
    longest.set(UInt32((1 << 29) + 1), at: 40)
    longest.set(longest.prefix(44).withByteView(CRC32C.checksum(of:)), at: 44)
    return [
      bad("no bytes", []),
      bad("seven bytes", Array(identity.prefix(7))),
      bad("47 bytes", Array(identity.prefix(47))),
      bad("other magic", signed(0, 0x76)),
      bad("changed bit", note: "the frame's checksum fails", identity.flippingBit(300)),
      bad("newer version", signed(8, 1)),
      bad("other kind", note: "a pin", signed(10, 3)),
      bad("unknown kind", signed(10, 6)),
      bad("incompatible flag", signed(15, 0x80)),
      bad("body too long", longest),
      bad("cut in the body", Array(identity.prefix(end - 1))),
      bad("cut in the checksum", Array(identity.dropLast())),
      bad("changed bit of the body", identity.flippingBit(8 * 48)),
      bad("body of another store", note: "the body's checksum knows the store id", moved),
      bad("excess", identity + [0]),
    ]
  }

  private static var identities: [Vector] {
    let body = identity.body
    func bad(_ name: String, _ bytes: [UInt8]) -> Vector {
      vector(.store, "store: \(name)", note: broken, bytes)
    }
    return [
      vector(.store, "store", identity, bad: false),
      vector(
        .store, "store: ignorable field", note: "tag 9", identity.withFields([1, 9, 1, 5]),
        bad: false),
      bad("with a number", identity.changed { $0[16] = 1 }),
      bad("cut", identity.with(body: Array(body.prefix(7)))),
      bad("without fields", identity.with(body: Array(body.prefix(8)))),
      bad("excess", identity.with(body: body + [0])),
      bad("field that must be known", identity.withFields([1, 8, 0])),
      bad("fields out of order", identity.withFields([2, 9, 0, 9, 0])),
      bad("more fields than bytes", identity.withFields([2, 9, 0])),
    ]
  }
}

// MARK: - Manifests

extension BucketVectors {
  private static let sample = BucketManifest.sample
  private static let first = BucketManifest(
    number: 1, predecessorDigest: BucketManifest.firstPredecessor, epoch: 1,
    writer: FileID(low: 11, high: 12), nonce: FileID(low: 13, high: 14), serverTime: 0,
    version: {
      var version = Manifest(storeID: storeID)
      version.number = 1
      version.isCleanlyClosed = true
      return version
    }(), objects: [], garbage: [])

  private static var manifests: [Vector] {
    let whole = first.encoded()
    func bad(_ name: String, named number: UInt64? = nil, _ change: (inout BucketManifest) -> Void)
      -> Vector
    {
      var manifest = sample
      change(&manifest)
      return vector(
        .manifest, "manifest: \(name)", note: broken, manifest.encoded(),
        named: number ?? manifest.number)
    }
    func damaged(_ name: String, _ bytes: [UInt8]) -> Vector {
      vector(.manifest, "manifest: \(name)", note: broken, bytes, named: 1)
    }
    let live = BucketGarbage(sample.files[0], since: 1)
    /// What stands before the garbage and the fields: there are none of either.
    let lists = Array(whole.body.dropLast(2))
    let digest = [UInt8](repeating: 7, count: 32)
    return [
      vector(.manifest, "manifest: first", note: "of an empty store", whole, named: 1, bad: false),
      vector(
        .manifest, "manifest: full", note: "every list and field holds something", sample.encoded(),
        named: 7, bad: false),
      vector(
        .manifest, "manifest: ignorable field", note: "tag 9", whole.withFields([1, 9, 0]),
        named: 1,
        bad: false),
      bad("under another name", named: 8) { _ in },
      bad("number zero") { $0.number = 0 },
      bad("number too large") { $0.number = 1 << 56 + 1 },
      bad("epoch zero") { $0.epoch = 0 },
      bad("epoch too large") { $0.epoch = 1 << 56 + 1 },
      bad("log floor too large") { $0.logFloor = 1 << 56 + 1 },
      bad("object of epoch zero") { $0.objects[0].epoch = 0 },
      bad("object of a later epoch") { $0.objects[1].epoch = 4 },
      bad("garbage of a later epoch") { $0.garbage[2].file.object.epoch = 4 },
      bad("file too large") { $0.version.segments[0].size = 1 << 56 + 1 },
      bad("tail longer than its file") {
        $0.objects[0].tailBytes = $0.version.segments[0].size + 1
      },
      bad("tail too long") {
        $0.version.segments[0].size = 1 << 40
        $0.objects[0].tailBytes = (1 << 29) + 1
      },
      bad("garbage out of order") { $0.garbage.swapAt(0, 1) },
      bad("garbage twice") { $0.garbage[1] = $0.garbage[0] },
      bad("garbage that is named") { $0.garbage = [live] },
      bad("garbage of number zero") { $0.garbage[0].file.number = 0 },
      bad("garbage of a number too large") { $0.garbage[2].file.number = 1 << 56 },
      bad("not closed") { $0.version.isCleanlyClosed = false },
      bad("with a log") {
        $0.version.logs = [LogExtent(number: 95, length: 64, lastSequence: .zero)]
      },
      bad("object missing") {
        $0.objects.removeLast()
        $0.garbage = []
      },
      damaged("garbage of no kind", whole.with(body: lists + [1, 3, 4, 1] + digest + [9, 5, 0])),
      damaged("more garbage than bytes", whole.with(body: lists + [2, 0])),
      damaged("no garbage count", whole.with(body: lists)),
      damaged("excess", whole.with(body: whole.body + [0])),
      damaged("field that must be known", whole.withFields([1, 8, 0])),
      damaged("cut before the version", whole.with(body: Array(whole.body.prefix(87)))),
    ]
  }

  /// What is wrong lies in the version, and is told with its offset in the object.
  private static var brokenVersions: [Vector] {
    let whole = first.encoded()
    let version = ObjectFrame.byteCount + 32 + 8 + 16 + 16 + 8 + 8 + 4
    func bad(_ name: String, _ change: (inout [UInt8]) -> Void) -> Vector {
      vector(.manifest, "version: \(name)", note: broken, whole.changed(by: change), named: 1)
    }
    return [
      bad("longer than the object") { $0.set(UInt32($0.count), at: version - 4) },
      bad("cut") {
        $0.set($0.withByteView { $0.uint32(at: version - 4) ?? 0 } - 1, at: version - 4)
      },
      bad("empty") { $0.set(UInt32(0), at: version - 4) },
      bad("changed bit") { $0[version + 80] ^= 1 },
      bad("changed bit of its header") { $0[version + 20] ^= 1 },
      bad("other kind of file") { $0[version + 5] ^= 1 },
      bad("of another store") { $0[24] ^= 1 },
      bad("rule between records") {
        var manifest = first
        manifest.version.nextFileNumber = 0
        $0 = manifest.encoded()
      },
    ]
  }
}

// MARK: - Logs

extension BucketVectors {
  private static func logs() throws -> [Vector] {
    let sample = try BucketLog.sample()
    var end = sample
    end.batches = []
    let none = end.encoded()
    func bad(_ name: String, named number: UInt64? = nil, _ change: (inout BucketLog) -> Void)
      -> Vector
    {
      var log = sample
      change(&log)
      return vector(
        .log, "log: \(name)", note: broken, log.encoded(), named: number ?? log.number)
    }
    return [
      vector(.log, "log: several batches", sample.encoded(), named: 9, bad: false),
      vector(
        .log, "log: no batch", note: "it ends the logs of older epochs", none, named: 9, bad: false),
      vector(
        .log, "log: ignorable field", note: "tag 9", none.withFields([1, 9, 0]), named: 9,
        bad: false),
      bad("under another name", named: 8) { _ in },
      bad("number zero") { $0.number = 0 },
      bad("number too large") { $0.number = 1 << 56 + 1 },
      bad("epoch zero") { $0.epoch = 0 },
      bad("epoch too large") { $0.epoch = 1 << 56 + 1 },
      bad("batches out of order") { $0.batches.swapAt(0, 1) },
      bad("a gap between batches") { $0.batches.remove(at: 1) },
      bad("a batch twice") { $0.batches.insert($0.batches[0], at: 0) },
      bad("sequence zero") { $0.batches[0].first = .zero },
      bad("sequence too large") { $0.batches[0].first = SequenceNumber(1 << 56 - 1) },
      bad("sequence too large with its last entry") {
        $0.batches = [$0.batches[1]]
        $0.batches[0].first = SequenceNumber(1 << 56 - 3)
      },
      vector(
        .log, "log: field that must be known", note: broken, none.withFields([1, 8, 0]), named: 9),
      vector(.log, "log: excess", note: broken, none.with(body: none.body + [0]), named: 9),
      vector(
        .log, "log: more batches than bytes", note: broken,
        none.with(body: Array(none.body.dropLast(2)) + [1] + [UInt8](repeating: 0, count: 21)),
        named: 9),
      vector(
        .log, "log: cut before the batches", note: broken,
        none.with(body: Array(none.body.prefix(39))), named: 9),
    ]
  }

  /// What is wrong lies in the second batch.
  private static func brokenBatches() throws -> [Vector] {
    let sample = try BucketLog.sample()
    let pointer = ValuePointer(
      file: 3, offset: 4096, storedCount: 30, fullCount: 30, checksum: 5, codec: .none)
    var pointing = BatchEncoder()
    try [UInt8(1)].withByteView { try pointing.put($0, in: 1, at: pointer) }
    let payload = pointing.withPayload { $0.array }
    let place = ObjectFrame.byteCount + 40 + 1 + 12 + sample.batches[0].payload.count
    func bad(_ name: String, _ change: (inout BucketLog) -> Void) -> Vector {
      var log = sample
      change(&log)
      return vector(.log, "batch of a log: \(name)", note: broken, log.encoded(), named: 9)
    }
    func forged(_ name: String, _ change: (inout [UInt8]) -> Void) -> Vector {
      vector(
        .log, "batch of a log: \(name)", note: broken, sample.encoded().changed(by: change),
        named: 9)
    }
    return [
      bad("a pointer") { $0.batches[1].payload = payload },
      bad("no entries") { $0.batches[1].payload = [0, 0, 0, 0] },
      bad("no payload") { $0.batches[1].payload = [] },
      bad("reserved kind") { $0.batches[1].payload[4] = 3 },
      bad("excess") { $0.batches[1].payload.append(0) },
      bad("more entries than bytes") { $0.batches[1].payload[3] = 1 },
      forged("payload too long") { $0.set(UInt32(1 << 28 + 1), at: place + 8) },
      forged("payload longer than the log") { $0.set(UInt32(1 << 20), at: place + 8) },
    ]
  }
}

// MARK: - Pins and the file `bucket`

extension BucketVectors {
  private static func pin(_ kind: BucketPin.Kind, manifest: UInt64 = 9) -> [UInt8] {
    BucketPin(
      storeID: storeID, manifest: manifest, kind: kind, expires: kind == .reader ? 88 : 0,
      nonce: FileID(low: 3, high: 4)
    ).encoded()
  }

  private static var pins: [Vector] {
    let reader = pin(.reader)
    func bad(_ name: String, _ bytes: [UInt8]) -> Vector {
      vector(.pin, "pin: \(name)", note: broken, bytes)
    }
    return [
      vector(.pin, "pin: checkpoint", note: "it never expires", pin(.checkpoint), bad: false),
      vector(.pin, "pin: reader", reader, bad: false),
      bad("of manifest zero", pin(.reader, manifest: 0)),
      bad("of a manifest too large", pin(.reader, manifest: 1 << 56 + 1)),
      bad("kind zero", reader.changed { $0[48] = 0 }),
      bad("unknown kind", reader.changed { $0[48] = 3 }),
      bad("cut", reader.with(body: Array(reader.body.prefix(24)))),
      bad("excess", reader.with(body: reader.body + [0])),
      bad("field that must be known", reader.withFields([1, 8, 0])),
    ]
  }

  private static var ties: [Vector] {
    var tie = BucketTie(
      location: "file:///srv/bück", writers: [FileID(low: 1, high: 2), FileID(low: 3, high: 4)],
      head: first, storeID: storeID)
    let whole = tie.encoded()
    var young = tie
    young.head = nil
    young.writers = []
    let bare = young.encoded()
    func good(_ name: String, _ state: BucketTie.State) -> Vector {
      tie.state = state
      return vector(.tie, "bucket: \(name)", tie.encoded(), bad: false)
    }
    func bad(_ name: String, _ bytes: [UInt8]) -> Vector {
      vector(.tie, "bucket: \(name)", note: broken, bytes)
    }
    var apart = tie
    apart.apartSince = .init(manifest: 5, last: SequenceNumber(77))
    let alone = apart.encoded()
    var busy = apart
    let copy = BucketObject(epoch: 3, digest: [UInt8](repeating: 7, count: 32), tailBytes: 300)
    busy.uploads = [
      BucketUpload(BucketFile(.segment, 8, copy), id: FileID(low: 5, high: 6)),
      BucketUpload(BucketFile(.values, 9, copy), id: FileID(low: 7, high: 8)),
    ]
    let noted = busy.encoded()
    func uploaded(epoch: UInt64, tail: UInt64) -> [UInt8] {
      let copy = BucketObject(epoch: epoch, digest: copy.digest, tailBytes: tail)
      var busy = young
      busy.uploads = [BucketUpload(BucketFile(.segment, 8, copy), id: FileID(low: 5, high: 6))]
      return busy.encoded()
    }
    /// Where the head's length stands.
    let length = ObjectFrame.byteCount + 2 + tie.location.utf8.count + 1 + 32 + 1
    return [
      good("whole", .whole), good("being restored", .restoring), good("taken over", .fenced),
      vector(.tie, "bucket: apart", note: "written to without the bucket", alone, bad: false),
      bad("apart since no number", alone.changed { $0[$0.count - 5] = 0xff }),
      bad(
        "apart since, cut",
        whole.with(body: Array(whole.body.dropLast()) + [1, 2, 7, 1, 0, 0, 0, 0, 0, 0])),
      vector(.tie, "bucket: uploads", note: "put, and named by no manifest yet", noted, bad: false),
      bad("uploads cut", bare.withFields([1, 3, 1, 1])),
      bad("uploads, excess", bare.withFields([1, 3, 2, 0, 0])),
      bad(
        "upload of an unknown kind",
        bare.withFields([1, 3, 53, 1, 3, 9] + [UInt8](repeating: 1, count: 50))),
      bad(
        "upload of file zero",
        bare.withFields([1, 3, 53, 1, 1, 0] + [UInt8](repeating: 1, count: 50))),
      bad("upload of epoch zero", uploaded(epoch: 0, tail: 300)),
      bad("upload with a tail that is too long", uploaded(epoch: 3, tail: (1 << 29) + 1)),
      vector(.tie, "bucket: young", note: "no writer, no manifest yet", bare, bad: false),
      bad("unknown state", whole.changed { $0[length - 1] = 3 }),
      bad("location not of text", bare.changed { $0[50] = 0xff }),
      bad("location cut", bare.changed { $0[49] = 0xff }),
      bad("writers cut", bare.changed { $0[50 + young.location.utf8.count] = 9 }),
      bad("number without a manifest", bare.changed { $0[16] = 1 }),
      bad("manifest longer than the file", whole.changed { $0[length + 3] = 1 }),
      bad("manifest cut", whole.changed { $0[length] &-= 1 }),
      bad("manifest of another number", whole.changed { $0[16] = 2 }),
      bad("manifest of another store", whole.changed { $0[24] ^= 1 }),
      bad("changed bit of the manifest", whole.changed { $0[length + 60] ^= 1 }),
      bad(
        "changed bit of the manifest's version", whole.changed { $0[length + 4 + 140 + 80] ^= 1 }),
      bad("excess", bare.with(body: bare.body + [0])),
      bad("field that must be known", bare.withFields([1, 8, 0])),
    ]
  }
}

// MARK: - Forging

extension [UInt8] {
  /// The body of an object.
  fileprivate var body: [UInt8] { Array(self[48..<count - 4]) }

  /// The object with another body, whose length and checksums are right.
  fileprivate func with(body: [UInt8]) -> [UInt8] {
    var bytes = Array(prefix(48)) + body + [0, 0, 0, 0]
    bytes.set(UInt32(body.count), at: 40)
    bytes.resignObject()
    return bytes
  }

  /// The object with fields in place of none, at the end of its body.
  fileprivate func withFields(_ fields: [UInt8]) -> [UInt8] {
    with(body: body.dropLast() + fields)
  }

  /// The object with something changed, and with right checksums.
  fileprivate func changed(by change: (inout [UInt8]) -> Void) -> [UInt8] {
    var bytes = self
    change(&bytes)
    bytes.resignObject()
    return bytes
  }
}
