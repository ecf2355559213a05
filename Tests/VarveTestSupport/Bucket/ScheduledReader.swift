import VarveFormat
import VarveObjects
import VarvePlatform
import VarveSimulation

/// A machine that reads all that a version names, slowly: within the grace, or pinned and for longer.
final class ScheduledReader {
  private let schedule: BucketSchedule
  private let number: Int
  private var random: SplitMix64
  private let connection: SimulatedObjectStore

  init(_ schedule: BucketSchedule, _ number: Int) {
    self.schedule = schedule
    self.number = number
    random = SplitMix64(seed: schedule.seed &* 37 &+ UInt64(number))
    connection = schedule.bucket.connect()
    let turns = schedule.turns
    connection.setBeforeEachCall { _, _ in turns.pass(number) }
  }

  func run() {
    for round in 0..<schedule.options.rounds * 2 {
      schedule.turns.stall(number, turns: random.below(20))
      do throws(BucketError) {
        if random.oneIn(2) {
          try read()
        } else {
          try readPinned(as: "round-\(round)-of-\(number)")
        }
      } catch {
        if case .noStore = error { continue }
        schedule.violated("reader: \(error)")
      }
    }
  }

  private func read() throws(BucketError) {
    let began = schedule.bucket.clock.wallMilliseconds()
    guard let head = try BucketReader(connection).head() else { return }
    read(
      head.manifest,
      mustBeThere: { [schedule] in
        schedule.bucket.clock.wallMilliseconds() < began + BucketSchedule.grace
      })
  }

  private func readPinned(as name: String) throws(BucketError) {
    var pinning = BucketPinning(connection, random: SimulatedRandom(seed: random.next()))
    pinning.grace = BucketSchedule.grace
    let pin: BucketPin
    do throws(BucketError) { pin = try pinning.pinHead(as: name, .reader) } catch {
      if case .request(let failure) = error, failure.code == .unavailable { return }
      throw error
    }
    guard let pinned = try BucketReader(connection).manifest(pin.manifest) else {
      return schedule.violated("the pinned manifest \(pin.manifest) is gone")
    }
    schedule.turns.stall(number, turns: random.below(60))
    read(pinned.manifest, mustBeThere: { true })
    try pinning.remove(name)
  }

  private func read(_ manifest: BucketManifest, mustBeThere: () -> Bool) {
    schedule.record.withLock { $0.tally.reads += 1 }
    for file in manifest.files {
      let found = try? connection.read(
        BucketLayout.file(file), .bytes(offset: 0, count: 1000)
      ).bytes
      if found == nil, !mustBeThere() { continue }
      if found != BucketSchedule.content(file) {
        schedule.violated("reader: \(file.name) of manifest \(manifest.number) is not there")
      }
    }
  }
}
