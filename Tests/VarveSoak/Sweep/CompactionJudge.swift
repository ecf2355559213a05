import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// When an input of a compaction is changed.
enum RotMoment: String, CaseIterable, Sendable {
  /// Before the store is opened; nothing is read before the compaction.
  case unread
  /// Beneath the open store, after all of it was read and found good.
  case touched
  /// The same while the compaction runs, at one of its calls.
  case running
}

/// What came of a compaction one of whose inputs is not what was written.
enum CompactionVerdict: String, Verdict {
  /// Opening refused, naming file and offset.
  case atOpen = "detected at open"
  /// The compaction stopped, naming the file and an offset; the file is kept, and known to be damaged.
  case stopped = "the compaction stopped"
  /// It did its work, the file is gone, and all that is left is right and sound.
  case notNeeded = "not needed, and gone"
  /// It did its work and had no need to write the file anew: it is there, and known to be damaged.
  case left = "left, and still detected"
  /// The same as one of the two before; reads through the old mapping showed the rot, as they may.
  case shown = "shown by the old mapping, and still detected"
  // None of these may happen.
  case nameless = "an error without file or offset"
  case elsewhere = "an error that names another file"
  case wrong = "wrong data"
  case absent = "a key that is there was reported absent"
  case laundered = "the damage is there and nothing finds it"

  var isLegal: Bool { [.atOpen, .stopped, .notNeeded, .left, .shown].contains(self) }
}

/// Compacts a store whose file is changed at some moment, and looks at everything afterwards.
///
/// ```
///   unread    change  open           compact         read; close; open, read; verify
///   touched           open  read all change  compact read; close; open, read; verify
///   running           open  read all compact.change. read; close; open, read; verify
/// ```
struct CompactionJudge {
  let store: CompactedStore
  let file: String
  let moment: RotMoment
  let readMode: StoreOptions.ReadMode

  /// - Parameter step: the call of the compaction before which its input changes.
  func judge(_ mutated: [UInt8], step: Int) throws -> CompactionVerdict {
    let image = store.disk.crashImage(.everything)
    if moment == .unread { try image.rot("store/\(file)", to: mutated) }
    let opened: SegmentStore
    do { opened = try CrashWorkload.open(image, readMode: readMode) } catch {
      return verdict(of: error) ?? .atOpen
    }
    var seen = reading
    if moment != .unread {
      seen.readAll(of: opened, SweepReading.Turn(step))
      guard seen.isRight, seen.errors.isEmpty else { return .wrong }
    }
    let failure = compact(opened, on: image, mutated, step)
    if let failure, let verdict = verdict(of: failure) { return verdict }
    seen = reading
    seen.readAll(of: opened, SweepReading.Turn(step))
    let isMapped = readMode == .mapped && moment != .unread
    let isStillThere = SweptStore.files(of: image)[file] == mutated
    let isShown = isMapped && isStillThere && !seen.isRight
    if !isShown, let verdict = unforgiven(seen, isStillThere) { return verdict }
    do { try opened.close() } catch { return verdict(of: error) ?? .wrong }
    let known: CompactionVerdict? = isShown ? .shown : failure == nil ? nil : .stopped
    return try judgeAgain(image, isStillThere, known, step)
  }

  private var reading: SweepReading { SweepReading([store.content], asking: store.content) }

  /// What the compaction failed with.
  private func compact(
    _ opened: SegmentStore, on image: SimulatedFileSystem, _ mutated: [UInt8], _ step: Int
  ) -> (any Error)? {
    let path = "store/\(file)"
    if moment == .touched { try? image.rot(path, to: mutated) }
    let last = image.steps + 1 + step
    if moment == .running {
      // Gone already, there is nothing to change any more.
      image.observeSteps { [weak image] in
        if $0.number == last { try? image?.rot(path, to: mutated) }
      }
    }
    defer { image.observeSteps(nil) }
    do { try opened.compact() } catch { return error }
    return nil
  }

  /// Whatever was done, another process finds right data or damage, and the verifier the damage.
  private func judgeAgain(
    _ image: SimulatedFileSystem, _ isStillThere: Bool, _ known: CompactionVerdict?, _ step: Int
  ) throws -> CompactionVerdict {
    let again: SegmentStore
    do { again = try CrashWorkload.open(image, readMode: readMode) } catch {
      return verdict(of: error) ?? (isStillThere ? known ?? .left : .wrong)
    }
    var seen = reading
    seen.readAll(of: again, SweepReading.Turn(step))
    seen.close(again)
    if let verdict = unforgiven(seen, isStillThere) { return verdict }
    var damage: [IntegrityFinding] = []
    try StoreVerifier(at: "store", on: image).run(.deep) {
      if $0.severity == .damage { damage.append($0) }
    }
    guard isStillThere else { return damage.isEmpty ? .notNeeded : .wrong }
    // A file that no manifest names any more goes with the next opening.
    let isLive = SweptStore.files(of: image)[file] != nil
    guard isLive else { return damage.isEmpty ? .notNeeded : .wrong }
    return damage.contains { $0.file == file && $0.offset != nil } ? known ?? .left : .laundered
  }

  /// What no read may show; nil where all is right, or an error that the damage explains.
  private func unforgiven(_ seen: SweepReading, _ isStillThere: Bool) -> CompactionVerdict? {
    if !seen.isRight { return seen.lacksKeys ? .absent : .wrong }
    for error in seen.errors {
      if let verdict = verdict(of: error) { return verdict }
    }
    return isStillThere || seen.errors.isEmpty ? nil : .wrong
  }

  /// What is wrong with an error; nil where it names the file and a place in it.
  private func verdict(of error: any Error) -> CompactionVerdict? {
    guard let error = error as? StoreError, let name = error.file, error.offset != nil else {
      return .nameless
    }
    return name == file ? nil : .elsewhere
  }
}
