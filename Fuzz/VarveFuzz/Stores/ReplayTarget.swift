import VarveFormat

extension FuzzTarget {
  /// The logs of a store and its manifest, as an archive: what is replayed.
  static let replay = FuzzTarget(
    "replay", upTo: 16 << 10, sign: { $0.signArchive() }, change: Archive.change,
    read: { bytes in
      let archive = Archive(bytes.array)
      var manifest: Manifest?
      var logs: [(number: UInt64, bytes: [UInt8])] = []
      for member in archive.members {
        guard let name = FileName(parsing: member.name) else { continue }
        if name.kind == .manifest {
          manifest = member.bytes.withByteView { try? Manifest(decoding: $0) }
        } else if !logs.contains(where: { $0.number == name.number }) {
          logs.append((name.number, member.bytes))
        }
      }
      guard let manifest else { return }
      withViews(of: logs[...], []) { ReplayExam(manifest, $0).run() }
    })

  /// Lends all logs at once.
  private static func withViews(
    of logs: ArraySlice<(number: UInt64, bytes: [UInt8])>, _ found: [LogSource],
    _ body: ([LogSource]) -> Void
  ) {
    guard let first = logs.first else { return body(found) }
    first.bytes.withByteView { view in
      let source = LogSource(number: first.number, bytes: view)
      withViews(of: logs.dropFirst(), found + [source], body)
    }
  }
}

/// Holds a replay to what replays are.
struct ReplayExam {
  private let manifest: Manifest
  private let logs: [LogSource]

  init(_ manifest: Manifest, _ logs: [LogSource]) {
    self.manifest = manifest
    self.logs = logs
  }

  func run() {
    let (replay, damage) = outcome(of: logs)
    if let replay { check(replay) }
    if let damage {
      let log = logs.first { $0.number == damage.log }
      checkRefusal(damage.error, of: 0..<UInt64(max(128, log?.bytes.count ?? 0)))
    }
    // The order in which a directory lists its files is nobody's business.
    let (again, sameDamage) = outcome(of: logs.reversed())
    promise(sameDamage == damage, "the order of the logs decides about damage")
    promise(
      again.map(ReplayContent.init) == replay.map(ReplayContent.init),
      "the order of the logs decides what is replayed")
  }

  private func outcome(of logs: [LogSource]) -> (LogReplay?, LogDamage?) {
    do throws(LogDamage) { return (try LogReplay(logs, of: manifest), nil) } catch {
      return (nil, error)
    }
  }

  private func check(_ replay: LogReplay) {
    promise(replay.lastSequence >= manifest.lastSequence, "the last number goes back")
    var next: UInt64?
    for part in replay.parts {
      promise(part.identity.number >= manifest.logFloor, "a log below the floor is replayed")
      var reader = LogReader(part.bytes, identity: part.identity)
      while let record = reader.next() {
        let first = record.firstSequence.rawValue
        promise(next ?? first == first, "what is replayed has a gap")
        next = first + UInt64(record.entryCount)
      }
      promise(reader.end == .clean, "a part that is replayed has a flaw")
    }
    if let next { promise(replay.lastSequence.rawValue >= next - 1, "the last number is too low") }
  }
}

/// All that a replay says, to be compared.
private struct ReplayContent: Equatable {
  private struct Part: Equatable {
    var identity: LogIdentity
    var byteCount: Int
  }

  private let parts: [Part]
  private let lastSequence: SequenceNumber
  private let durable: LogPosition
  private let tornTail: TornTail?
  private let orphans: [UInt64]

  init(_ replay: LogReplay) {
    parts = replay.parts.map { Part(identity: $0.identity, byteCount: $0.bytes.count) }
    lastSequence = replay.lastSequence
    durable = replay.durable
    tornTail = replay.tornTail
    orphans = replay.orphans
  }
}
