import Varve
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// What came of a store whose files are not what was written.
enum SweepVerdict: String, Verdict {
  /// Opening refused, naming file and offset.
  case atOpen = "detected at open"
  /// Some read, or closing, threw, naming file and offset; whatever else was returned was right.
  case atRead = "detected at read"
  /// All reads were right, and the verifier named file and offset.
  case byVerifier = "detected by the verifier"
  /// A crashed store opened with exactly what lies before the damage, none of it known to be durable.
  case tail = "legal torn tail"
  /// Everything is there, and the verifier told of what is harmless: a file that nobody needs, bytes
  /// behind the end. Or it is in what a crash left behind the last record, which nobody reads.
  case harmless = "harmless"
  // None of these may happen.
  case nameless = "an error without file or offset"
  case misnamed = "an error that names another file"
  case mistold = "the verifier names another file"
  case needless = "an error though nothing that is needed was changed"
  case refused = "a legal torn tail called damage"
  case blind = "not seen by the verifier"
  case accepted = "damage below the watermark taken for a torn tail"
  case wrong = "wrong data"
  case absent = "a key that is there was reported absent"
  case unequal = "something else by pread than mapped"
  case undetected = "undetected"

  var isLegal: Bool { [.atOpen, .atRead, .byVerifier, .tail, .harmless].contains(self) }
}

/// Opens, reads in every way, verifies.
struct SweepJudge {
  let store: SweptStore
  let file: String
  /// Which damage it is, of those to this file.
  let number: Int

  /// One damage in so many is read by `pread` as well: mapped reads are what a store does unless it is told otherwise.
  /// Of the eleven of one byte each in its turn.
  private static let oneByRead = 3

  /// - Parameter mutated: nil for a file that is gone.
  func judge(_ mutated: [UInt8]?) throws -> SweepVerdict {
    let read = try reading(mutated, .mapped)
    if number % Self.oneByRead == 0, try reading(mutated, .buffered) != read { return .unequal }
    let image = try image(mutated)
    var found: [IntegrityFinding] = []
    try StoreVerifier(at: "store", on: image).run(.deep) {
      if !store.notices.contains($0) { found.append($0) }
    }
    let damage = found.filter { $0.severity == .damage }
    switch read {
    case .atOpen, .atRead: return damage.isEmpty ? .blind : verdict(of: damage, read, mutated)
    case .tail: return damage.isEmpty ? .tail : .refused
    case .undetected:
      if !damage.isEmpty { return verdict(of: damage, .byVerifier, mutated) }
      let isTold = store.mayBeToldOf(file) && found.contains { $0.file == file }
      return isTold || store.isGarbage(file, mutated) ? .harmless : .undetected
    default: return read
    }
  }

  /// All that is called damaged must be.
  private func verdict(
    of damage: [IntegrityFinding], _ detected: SweepVerdict, _ mutated: [UInt8]?
  ) -> SweepVerdict {
    if let verdict = needless(mutated) { return verdict }
    guard damage.allSatisfy({ isDamaged($0.file, mutated) }) else { return .mistold }
    let isPlaced = damage.contains { $0.offset != nil || $0.file == Self.noManifest }
    return isPlaced ? detected : .nameless
  }

  /// The store's disk with the file as it is now.
  private func image(_ mutated: [UInt8]?) throws -> SimulatedFileSystem {
    let image = store.disk.crashImage(.everything)
    if let mutated {
      try image.place(mutated, at: "store/\(file)")
    } else {
      try image.openDirectory(at: "store", create: false).remove(file)
    }
    return image
  }

  /// What came of opening and reading; ``SweepVerdict/undetected`` where all was as it was written.
  private func reading(
    _ mutated: [UInt8]?, _ readMode: StoreOptions.ReadMode
  ) throws -> SweepVerdict {
    let opened: SegmentStore
    do { opened = try CrashWorkload.open(image(mutated), readMode: readMode) } catch {
      return verdict(of: error, .atOpen, mutated)
    }
    let allowed = store.allowed(file, mutated)
    var reading = SweepReading(allowed, asking: store.newest)
    if !allowed.isEmpty { reading.readAll(of: opened, SweepReading.Turn(number)) }
    reading.close(opened)
    if allowed.isEmpty { return .accepted }
    if !reading.isRight { return reading.lacksKeys ? .absent : .wrong }
    let verdicts = reading.errors.map { verdict(of: $0, .atRead, mutated) }
    if let worst = verdicts.first(where: { !$0.isLegal }) ?? verdicts.first { return worst }
    return allowed == [store.newest] ? .undetected : .tail
  }

  private func verdict(
    of error: any Error, _ detected: SweepVerdict, _ mutated: [UInt8]?
  ) -> SweepVerdict {
    if let verdict = needless(mutated) { return verdict }
    guard let error = error as? StoreError, let named = error.file else { return .nameless }
    // What is gone has no place.
    let isPlaced = error.offset != nil || error.code == .incompatible
    guard isPlaced else { return .nameless }
    return isDamaged(named, mutated) ? detected : .misnamed
  }

  /// What an error is where none may be; nil where one may.
  private func needless(_ mutated: [UInt8]?) -> SweepVerdict? {
    if store.isGarbage(file, mutated) { return .needless }
    return store.isTornTail(file, mutated) ? .refused : nil
  }

  /// Once the only one is gone nobody knows its number; an opening names the directory then.
  private static let noManifest = "manifest"

  /// Whether what an error or the verifier names is what was changed.
  private func isDamaged(_ named: String, _ mutated: [UInt8]?) -> Bool {
    if named == file { return true }
    guard FileName(parsing: file)?.kind == .manifest else { return false }
    guard let mutated else { return named == Self.noManifest || named == "store" }
    // A whole one of another store: what it leads to is not what is there.
    let other = mutated.withByteView { try? Manifest(decoding: $0) }
    return other.map { store.misfits(of: $0).contains(named) } ?? false
  }
}
