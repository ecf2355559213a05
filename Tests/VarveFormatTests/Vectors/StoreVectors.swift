import VarveFormat

/// All logs of a store and its manifest: what is replayed, dropped or refused.
enum StoreVectors {
  static let two = LogReplayTests.twoLogs()

  private static func store(
    _ name: String, _ note: String, _ logs: [(UInt64, [UInt8])],
    _ manifest: Manifest = .forLogs(), bad: Bool = false
  ) -> Vector {
    var manifest = manifest
    manifest.number = 1
    let files =
      [(FileName(.manifest, 1), manifest.encoded())]
      + logs.map { (FileName(.log, $0), $1) }
    return Vector("store", name, note, input: .files(files), bad: bad)
  }

  /// The two logs, one of them with a byte changed.
  private static func changed(_ index: Int, _ place: Int) -> [(UInt64, [UInt8])] {
    var logs = two
    logs[index].bytes[place] ^= 0x20
    return logs.map { ($0.number, $0.bytes) }
  }

  private static var whole: [(UInt64, [UInt8])] { two.map { ($0.number, $0.bytes) } }

  static var crashed: [Vector] {
    let second = two[1]
    var hopeless = two[1]
    hopeless.bytes[hopeless.payloadPlace(of: 0)] ^= 1
    for offset in hopeless.offsets[1...] { hopeless.bytes[offset + 20] ^= 1 }
    return [
      store("no logs", "", []),
      store("whole", "every record is replayed", whole),
      store("allocated", "zeros follow", [whole[0], (9, second.bytes + [0, 0, 0, 0])]),
      store("below the floor", "log 7 is in segments", whole, .forLogs(floor: 8, lastSequence: 6)),
      store("flushed in part", "entries up to 4 are in segments", whole, .forLogs(lastSequence: 4)),
      store(
        "unused logs between", "8 has no header, 20 no records",
        whole + [(8, [UInt8](repeating: 0, count: 128)), (20, LogBuilder(number: 20).bytes)]),
      store("torn payload", "above the watermark", changed(1, second.payloadPlace(of: 1))),
      store("torn header", "above the watermark", changed(1, second.offsets[2] + 1)),
      store(
        "cut in a header", "of the last record", [whole[0], (9, Array(second.bytes.dropLast(20)))]),
      store(
        "cut in a payload", "of the last record",
        [whole[0], (9, Array(second.bytes.prefix(second.payloadPlace(of: 2) + 12)))]),
      store(
        "cut in padding", "of the last record", [whole[0], (9, Array(second.bytes.dropLast()))]),
      store(
        "evidence is damaged too", "all later headers are", [whole[0], (9, hopeless.bytes)]),
      lostEnd, lostLog,
    ]
  }

  private static var lostEnd: Vector {
    var first = two[0]
    let proved = LogPosition(log: 7, offset: UInt64(first.offsets[1]))
    var second = LogBuilder(number: 9, salt: 12, firstSequence: 7, watermark: proved)
    second.batch(2)
    first.bytes.replaceSubrange(first.offsets[2]..., with: [UInt8](repeating: 0, count: 64))
    return store(
      "lost end", "log 7 lost its unsynced end as zeros: log 9 is dropped",
      [(7, first.bytes), (9, second.bytes)])
  }

  private static var lostLog: Vector {
    var second = LogBuilder(number: 9, firstSequence: 7)
    second.batch()
    return store(
      "lost log", "nothing proves that the records before log 9 were durable",
      [(9, second.bytes)])
  }

  static var damaged: [Vector] {
    let (first, second) = (two[0], two[1])
    var back = LogBuilder(number: 9, firstSequence: 6)
    back.batch()
    var unknown = LogBuilder()
    unknown.rawRecord(type: 3)
    var evident = second
    evident.bytes[evident.payloadPlace(of: 0)] ^= 1
    evident.bytes[evident.offsets[1] + 20] ^= 1
    var named = Manifest.forLogs()
    named.logs = [first.extent]
    func bad(
      _ name: String, _ note: String, _ logs: [(UInt64, [UInt8])],
      _ manifest: Manifest = .forLogs()
    ) -> Vector { store(name, note, logs, manifest, bad: true) }
    return [
      bad("payload below a watermark", "in the last log", changed(1, second.payloadPlace(of: 0))),
      bad(
        "payload below an entry's watermark", "no other header tells of it",
        [whole[0], (9, evident.bytes)]),
      bad("header below a watermark", "in an older log", changed(0, first.offsets[1] + 9)),
      bad("padding below a watermark", "", changed(0, first.bytes.count - 1)),
      bad("file header", "of a log with records", changed(0, 33)),
      bad("file header of the newest log", "of a log with records", changed(1, 5)),
      bad(
        "cut older log", "at a record: the sequence numbers tell",
        [(7, Array(first.bytes.prefix(first.offsets[2]))), whole[1]]),
      bad("missing older log", "the watermark of log 9 stands in it", [whole[1]]),
      bad("missing named log", "the manifest names it", [], named),
      bad("step back", "sequence number 6 twice", [whole[0], (9, back.bytes)]),
      bad("misnamed log", "log 7 under the name of log 8", [(8, first.bytes)]),
      bad("unknown record type", "a newer reader is needed", [(7, unknown.bytes)]),
    ]
  }

  static var closed: [Vector] {
    let manifest = Manifest.forLogs(closing: two)
    let (first, second) = (two[0], two[1])
    var later = LogBuilder(number: 1000, firstSequence: 11, watermark: second.end)
    later.batch()
    var torn = later
    torn.batch()
    torn.bytes[torn.offsets[1] + 33] ^= 1
    var miscounted = manifest
    miscounted.logs[1].lastSequence.rawValue += 1
    var shifted = manifest
    shifted.isCleanlyClosed = false
    shifted.logs[0].length -= 16
    func bad(
      _ name: String, _ note: String, _ logs: [(UInt64, [UInt8])], _ manifest: Manifest
    ) -> Vector { store(name, note, logs, manifest, bad: true) }
    return [
      store("closed", "exactly what the manifest names", whole, manifest),
      store(
        "closed, left over", "log 8 is not named", whole + [(8, LogBuilder(number: 8).bytes)],
        manifest),
      store(
        "closed, then used", "log 1000 was begun later", whole + [(1000, later.bytes)], manifest),
      store("closed, then crashed", "log 1000 is torn", whole + [(1000, torn.bytes)], manifest),
      bad("closed, last payload", "", changed(1, second.payloadPlace(of: 2)), manifest),
      bad("closed, last padding", "", changed(1, second.bytes.count - 1), manifest),
      bad("closed, too long", "by a zero", [whole[0], (9, second.bytes + [0])], manifest),
      bad(
        "closed, cut at a record", "",
        [whole[0], (9, Array(second.bytes.prefix(second.offsets[2])))],
        manifest),
      bad("closed, log missing", "", [(7, first.bytes)], manifest),
      bad("closed, other last sequence", "", whole, miscounted),
      bad("length within a record", "", whole, shifted),
    ]
  }
}
