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

  /// - Parameter mutated: nil for what is gone.
  func judge(_ mutated: [UInt8]?) throws -> TierVerdict {
    let opened: SegmentStore
    do { opened = try open(mutated) } catch { return verdict(of: error, .atOpen) }
    defer { try? opened.close() }
    let states = mutated == nil && mayBeEarlier ? tier.history : [tier.newest]
    if states.count > 1, try isEarlier(opened) { return .earlier }
    var reading = SweepReading(newest: tier.newest) {
      verdict(of: $0, .atRead) == .atRead ? .atRead : .nameless
    }
    try reading.readAll(of: opened, allowing: states)
    switch reading.verdict {
    case nil: return .right
    case .atRead?: return isKept ? .needless : .atRead
    case .absent?: return .absent
    case .nameless?: return .nameless
    default: return .wrong
    }
  }

  /// Whether it is what a machine keeps, so that it need not be fetched.
  private var isKept: Bool {
    if case .file(let name) = place { name != FileName.bucket } else { false }
  }

  /// Of the newest manifest, or the last log, nobody but the machine itself knows that it was there.
  private var mayBeEarlier: Bool {
    guard case .objectElsewhere(let name) = place,
      let prefix = name.description.split(separator: "/").first,
      ["manifest", "log"].contains(prefix)
    else { return false }
    return name == tier.objects.keys.filter { $0.description.hasPrefix(prefix + "/") }.max()
  }

  private func isEarlier(_ store: SegmentStore) throws -> Bool {
    let found = try CrashWorkload.content(of: store)
    return found != tier.newest && tier.history.contains(found)
  }

  private func open(_ mutated: [UInt8]?) throws -> SegmentStore {
    switch place {
    case .file(let name):
      let image = tier.machine.killImage()
      if let mutated {
        try image.disk.place(mutated, at: "store/\(name)")
      } else {
        try image.disk.openDirectory(at: "store", create: false).remove(name)
      }
      return try image.open(tier.opening)
    case .object(let name):
      let image = tier.machine.killImage()
      // Or it would hardly be read.
      let directory = try image.disk.openDirectory(at: "store", create: false)
      for kept in tier.tierFiles where kept != FileName.bucket { try directory.remove(kept) }
      image.bucket?.tamper(name, with: mutated)
      return try image.open(tier.opening)
    case .objectElsewhere(let name):
      let image = tier.machine.elsewhere()
      image.bucket?.tamper(name, with: mutated)
      return try image.restore(tier.opening)
    }
  }

  private func verdict(of error: any Error, _ detected: TierVerdict) -> TierVerdict {
    guard let error = error as? StoreError else { return .nameless }
    if isKept { return .needless }
    return names.contains { "\(error)".contains($0) } ? detected : .nameless
  }

  /// What an error may call it: as it is called there, or the file that it is a copy of.
  private var names: [String] {
    switch place {
    case .file(let name): return [name]
    case .object(let name), .objectElsewhere(let name):
      let parts = name.description.split(whereSeparator: { "/-.".contains($0) }).map(String.init)
      guard parts[0] == "file" else { return [name.description] }
      // file / 2 digits / epoch - number - digest . kind
      return [name.description, "\(parts[5])-\(parts[3])"]
    }
  }
}
