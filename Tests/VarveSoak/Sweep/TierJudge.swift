import Varve
import VarveFormat
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// What came of damage in a bucket, or to what a machine keeps of it.
enum TierVerdict: String, Verdict {
  /// Opening refused, naming what is damaged.
  case atOpen = "detected at open"
  /// Some read threw, naming what is damaged; whatever else was returned was right.
  case atRead = "detected at read"
  /// All reads were right: it is not needed, or was put right, or fetched again.
  case right = "all is right"
  /// What came last is gone, and nothing is there that could tell: only of what was removed.
  case earlier = "an earlier state, where the last object was removed"
  // None of these may happen.
  case nameless = "an error that does not tell what is damaged"
  case needless = "an error because of what can be fetched again"
  case wrong = "wrong data"
  case absent = "a key that is there was reported absent"
  case unnoticed = "not noticed, though it is read as a whole"
  case collected = "a damaged pin let go what it keeps"
  case laundered = "damage brought to the machine"

  var isLegal: Bool { [.atOpen, .atRead, .right, .earlier].contains(self) }
}

/// Where the damage is.
enum TierPlace: Hashable, Sendable {
  /// A file of the machine.
  case file(String)
  /// An object, looked at from the store's machine, or from another that has nothing.
  case object(ObjectName)
  case objectElsewhere(ObjectName)

  var label: String {
    switch self {
    case .file(let name): "here, \(name.hasSuffix(".tail") ? "tail" : name)"
    case .object(let name): "bucket, \(Self.kind(name))"
    case .objectElsewhere(let name): "bucket, another machine, \(Self.kind(name))"
    }
  }

  private static func kind(_ name: ObjectName) -> String {
    let parts = name.description.split(separator: "/")
    guard parts[0] == "file" else { return String(parts[0]) }
    return name.description.split(separator: ".").last.map(String.init) ?? ""
  }
}

/// Opens a store with damage in its bucket, or in what is kept of it, and reads in every way.
struct TierJudge {
  let tier: SweptTier
  let place: TierPlace
  /// What stands there; nil for what is gone.
  let mutated: [UInt8]?

  func judge(_ turn: SweepReading.Turn) throws -> TierVerdict {
    let machine = try machine()
    let opened: SegmentStore
    do { opened = try open(machine) } catch { return verdict(of: error, .atOpen) }
    let isOldest = mutated == nil && mayBeEarlier
    let states = isOldest ? tier.history : [tier.newest]
    if isOldest, try isEarlier(opened) { return .earlier }
    var reading = SweepReading(states, asking: tier.newest)
    reading.readAll(of: opened, turn)
    reading.attempt { _ in try opened.prefetch() }
    let unpinned = isPin && mutated != nil ? collect(opened, machine) : nil
    reading.close(opened)
    if let unpinned {
      if !unpinned.isLegal { return unpinned }
      if let verdict = try restoreFirst(machine) { return verdict }
    }
    let found = verdict(of: reading)
    if !found.isLegal { return found }
    // What came is what was put, whatever was read before.
    return try hasDamage(machine) ? .laundered : unpinned ?? found
  }

  private func verdict(of reading: SweepReading) -> TierVerdict {
    if !reading.isRight { return reading.lacksKeys ? .absent : .wrong }
    let verdicts = reading.errors.map { verdict(of: $0, .atRead) }
    if let worst = verdicts.first(where: { !$0.isLegal }) ?? verdicts.first { return worst }
    return isReadAsAWhole ? .unnoticed : .right
  }

  private func hasDamage(_ machine: CrashMachine) throws -> Bool {
    var isDamaged = false
    try StoreVerifier(at: "store", on: machine.disk).run(.deep) { finding in
      isDamaged = isDamaged || finding.severity == .damage
    }
    return isDamaged
  }

  /// Whether who opens the store reads all of it, and has it from nowhere else.
  private var isReadAsAWhole: Bool {
    switch place {
    case .file(let name): name == FileName.bucket
    case .object: false
    case .objectElsewhere(let name): name == BucketLayout.store || name == newest("manifest/")
    }
  }

  private func newest(_ prefix: String) -> ObjectName? {
    tier.objects.keys.filter { $0.description.hasPrefix(prefix) }.max()
  }

  /// Whether it is what a machine keeps, so that it need not be fetched.
  private var isKept: Bool {
    if case .file(let name) = place { name != FileName.bucket } else { false }
  }

  /// Of the newest manifest, or the last log, nobody but the machine itself knows that it was there.
  private var mayBeEarlier: Bool {
    guard case .objectElsewhere(let name) = place else { return false }
    return name == newest("manifest/") || name == newest("log/")
  }

  private func isEarlier(_ store: SegmentStore) throws -> Bool {
    let found = try CrashWorkload.content(of: store)
    return found != tier.newest && tier.history.contains(found)
  }

  private func machine() throws -> CrashMachine {
    switch place {
    case .file(let name):
      let image = tier.machine.killImage()
      if let mutated {
        try image.disk.place(mutated, at: "store/\(name)")
      } else {
        try image.disk.openDirectory(at: "store", create: false).remove(name)
      }
      return image
    case .object(let name):
      let image = tier.machine.killImage()
      // Or it would hardly be read.
      let directory = try image.disk.openDirectory(at: "store", create: false)
      for kept in tier.tierFiles where kept != FileName.bucket { try directory.remove(kept) }
      image.bucket?.tamper(name, with: mutated)
      return image
    case .objectElsewhere(let name):
      let image = tier.machine.elsewhere()
      image.bucket?.tamper(name, with: mutated)
      return image
    }
  }

  private func open(_ machine: CrashMachine) throws -> SegmentStore {
    if case .objectElsewhere = place { return try machine.restore(tier.opening) }
    return try machine.open(tier.opening)
  }

  func verdict(of error: any Error, _ detected: TierVerdict) -> TierVerdict {
    guard let error = error as? StoreError, error.file != nil else { return .nameless }
    if isKept { return .needless }
    return names(error) ? detected : .nameless
  }
}
