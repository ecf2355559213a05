import Foundation
import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

extension FaultJudge {
  /// What another machine may find in the bucket that has nothing else.
  struct Elsewhere {
    var states: [Content] = []
    /// Whether there may be nothing yet.
    var mayBeNone = false
    /// A checkpoint that must be there, and what it keeps.
    var checkpoint: (name: String, content: Content)?
  }

  /// Makes the store anew from the bucket, on a machine that has nothing.
  mutating func checkElsewhere(_ moment: String) throws {
    guard machine.bucket != nil else { return }
    let other = machine.elsewhere()
    do {
      _ = try reopened(other, elsewhere.states, "elsewhere, \(moment)") { try $0.restore($1) }
      images += 1
    } catch let error as Violation {
      guard elsewhere.mayBeNone, hasNoStore(machine.elsewhere()) else { throw error }
    }
  }

  private func hasNoStore(_ other: CrashMachine) -> Bool {
    Self.failure(of: { _ = try other.restore(opening) })?.code == .notFound
  }

  /// The bucket answers again: an upload has it hold all that is written here, and nothing else.
  mutating func putThere(_ store: SegmentStore, _ written: Content) throws {
    guard machine.bucket != nil else { return }
    let isConnected: Bool
    do { isConnected = try store.bucketStatus().isConnected } catch {
      // It was detached.
      guard error.code == .invalid else { throw Violation("the status of its bucket: \(error)") }
      return
    }
    guard isConnected else {
      guard mayBeApart, Self.failure(of: { try store.upload() })?.code == .unavailable else {
        throw Violation("without its bucket the store does not say so, or need not be")
      }
      return
    }
    do { try store.upload() } catch { throw Violation("uploading afterwards: \(error)") }
    elsewhere.states = [written]
    elsewhere.mayBeNone = false
    if turn % 2 == 0 { try checkElsewhere("after another upload") }
  }

  /// In turns: the machine without its bucket, all that it has by the verifier, and the checkpoint.
  mutating func endOfBucket(_ content: Content) throws {
    guard machine.bucket != nil else { return }
    switch turn % 4 {
    case 0: try checkApart(content)
    case 1: try checkCheckpoint()
    case 2: try checkElsewhere("in the end")
    default: try verify()
    }
  }

  private func checkApart(_ content: Content) throws {
    var opening = opening
    opening.hasBucket = false
    let image = machine.killImage()
    do {
      let store = try image.open(opening)
      guard try CrashWorkload.content(of: store) == content else {
        throw Violation("without the bucket: something else is there")
      }
      try store.close()
    } catch let error as StoreError {
      // What lies only there says so.
      guard error.code == .unavailable, isCold else {
        throw Violation("without the bucket: \(error)")
      }
    }
    try image.checkLeaks("without the bucket")
  }

  /// Whether files lie only in the bucket: it cannot be taken away then.
  private var isCold: Bool {
    let image = machine.killImage()
    let failure = Self.failure {
      try SegmentStore.detachBucket(ofStoreAt: "store", on: image.disk)
    }
    return failure?.code == .invalid
  }

  private func checkCheckpoint() throws {
    guard let (name, kept) = elsewhere.checkpoint else { return }
    _ = try reopened(machine.elsewhere(), [kept], "back at the checkpoint") {
      try $0.restore($1, version: .checkpoint(name))
    }
  }

  private func verify() throws {
    var first: IntegrityFinding?
    try StoreVerifier(at: "store", on: machine.disk).run(.deep) { finding in
      if finding.severity == .damage { first = first ?? finding }
    }
    if let first { throw Violation("the verifier found \(first)") }
  }
}

extension CrashMachine {
  /// How long leaks are waited for in all: what leaks once may do so in each of thousands of runs.
  private static let patience = Monitor(Duration.seconds(30))

  /// Nothing is left open for good: a thread that reads ahead may be about to let the store go.
  func checkLeaks(_ moment: String) throws {
    let most = Self.patience.withLock { min(.seconds(5), max(.milliseconds(20), $0)) }
    let end = ContinuousClock.now + most
    while !disk.leaks.isEmpty, ContinuousClock.now < end { usleep(1_000) }
    let leaks = disk.leaks
    guard !leaks.isEmpty else { return }
    Self.patience.withLock { $0 -= most }
    throw Violation("\(moment): left open: \(leaks)")
  }
}
