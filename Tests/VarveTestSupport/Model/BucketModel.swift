/// The plain truth about a bucket: what its newest version holds, what has changed since, and how much of that
/// logs are known to hold.
///
/// ```
///   version | changes that logs hold | changes on the machine only
///           |<------ confirmed ----->|
/// ```
///
/// After an answer that was lost, or an end in the midst of putting something there, it may hold more.
struct BucketModel {
  var version: StoreModel
  private(set) var later: [StoreModel.Change] = []
  private(set) var confirmed = 0
  /// Whether the newest version, and the logs behind it, are known to hold just that.
  private(set) var isVersionSure = true
  private(set) var areLogsSure = true
  /// The number of the newest version that the store was seen to know.
  private(set) var head: UInt64 = 0
  /// What versions hold, by number, of those of which that is known.
  private(set) var versions: [UInt64: StoreModel] = [:]

  var checkpoints: [Int: UInt64] = [:]
  /// Of which nobody knows whether they are there.
  var doubtfulCheckpoints: Set<Int> = []
  /// Whether files of earlier versions may have been collected.
  var isCollected = false
  /// The newest version when it lost a copy; nil where it has all, or has them again.
  var lostCopy: UInt64?
  /// Versions up to this one may lack a copy.
  private(set) var brokenThrough: UInt64 = 0

  /// A bucket with nothing in it, of a store that has something already.
  init(beside model: StoreModel, isNew: Bool) {
    version = StoreModel(keyspaces: model.keyspaces.count, now: model.now)
    if !isNew { later = [.become(model.keyspaces)] }
  }
}

// MARK: - What happens to it

extension BucketModel {
  /// The store is told of a change, which may reach the bucket.
  mutating func begin(_ change: StoreModel.Change) { later.append(change) }

  /// The last changes have been lost on the machine, which was asked for more than the bucket.
  mutating func forget(_ count: Int) {
    later.removeLast(min(count, later.count - confirmed))
  }

  /// Something is put there, and may come to its end or not.
  mutating func doubt() { (isVersionSure, areLogsSure) = (false, false) }

  /// The store knows a version of this number, which holds what the newest did.
  mutating func see(_ number: UInt64) {
    guard number > head else { return }
    head = number
    if isVersionSure { versions[number] = version }
  }

  /// All is there, in a version: that was put, or gone back to.
  mutating func uploaded(_ model: StoreModel, as number: UInt64, restores: Bool) {
    (isVersionSure, areLogsSure) = (true, true)
    (version, later, confirmed) = (model, [], 0)
    (head, versions[number]) = (number, model)
    guard restores, lostCopy != nil else { return }
    (lostCopy, brokenThrough) = (nil, number - 1)
  }

  /// All is there, in a version or in logs, as the number of the newest version then tells.
  mutating func confirm(_ model: StoreModel, head number: UInt64, wasSure: Bool) {
    if wasSure, number > head { return uploaded(model, as: number, restores: false) }
    (isVersionSure, areLogsSure) = (wasSure, true)
    confirmed = later.count
    head = max(head, number)
  }

  mutating func lose() { (lostCopy, brokenThrough) = (head, head) }

  mutating func mend() { lostCopy = nil }

  /// The store goes on from what was found there, after so many changes.
  mutating func go(onAfter count: Int, head number: UInt64) {
    later.removeLast(later.count - count)
    (confirmed, areLogsSure) = (count, true)
    see(number)
  }
}

// MARK: - What it must show

extension BucketModel {
  /// Whether the newest version may be that of a store to which nothing was ever written.
  var mayBeNew: Bool { version.keyspaces.allSatisfy { $0?.isEmpty ?? true } }

  /// Whether the machine has what logs and version are not known to have.
  var isBehind: Bool {
    later[confirmed...].contains { change in
      switch change {
      case .write(let writes): !writes.isEmpty
      case .make, .drop: true
      case .become: false
      }
    }
  }

  /// The content that a store opened from there must have, of those it may have: the one that `isFound` tells, and
  /// after how many changes that is.
  func restored(where isFound: (StoreModel) -> Bool) -> (model: StoreModel, count: Int)? {
    content(from: confirmed, isSure: areLogsSure, where: isFound)
  }

  /// The same of the newest version alone.
  func shown(where isFound: (StoreModel) -> Bool) -> StoreModel? {
    content(from: 0, isSure: isVersionSure, where: isFound)?.model
  }

  private func content(
    from first: Int, isSure: Bool, where isFound: (StoreModel) -> Bool
  ) -> (model: StoreModel, count: Int)? {
    var (model, last): (StoreModel, (StoreModel, Int)?) = (version, nil)
    for count in 0...(isSure ? first : later.count) {
      if count > 0 { model.apply(later[count - 1]) }
      if count >= first, isFound(model) { last = (model, count) }
    }
    return last
  }

  /// The number of a version and what it holds; nil where nobody knows, or it lacks a copy.
  func known(_ name: ModelVersion) -> (number: UInt64, model: StoreModel)? {
    let number: UInt64?
    switch name {
    case .newest: number = nil
    case .earlier(let count):
      let sound = versions.keys.filter { $0 > brokenThrough && $0 <= head }.sorted()
      number = sound.isEmpty ? nil : sound[max(0, sound.count - 1 - count)]
    case .checkpoint(let slot): number = checkpoints[slot]
    }
    guard let number, number > brokenThrough, let model = versions[number] else { return nil }
    return (number, model)
  }
}
