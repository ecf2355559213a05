import Varve
import VarveObjects
import VarvePlatform
import VarveSimulation

/// Machines that take a store over from each other by chance, while requests are refused, lost and late: no write
/// that the bucket confirmed is ever lost, and whoever was taken over from confirms nothing more.
package enum TakeoverSchedule {
  /// One machine, and what it may rely on.
  private struct Machine {
    var store: SegmentStore
    var keyspace: Keyspace
    var disk: SimulatedFileSystem
    var connection: SimulatedObjectStore
    /// Entries that were written here, and how many of them were durable here.
    var written: Int
    var synced: Int
  }

  /// What a schedule came to.
  package struct Outcome: Sendable {
    /// What went wrong.
    package var wrong: String?
    /// Times that the bucket confirmed something, and that it did not.
    package var confirmations = 0
    package var refusals = 0
    package var takeovers = 0
    /// Openings after a kill or a power cut.
    package var recoveries = 0

    package init() {}
  }

  private static let kinds: [ObjectFault] = [.refused, .answerLost, .requestLost, .late]

  private static func key(_ number: Int) -> String { "key-\(number)" }

  private static func value(_ number: Int) -> [UInt8] {
    var random = SplitMix64(seed: UInt64(number))
    return random.bytes(number % 7 == 0 ? 9_000 : 30)
  }

  private static func count(_ keyspace: Keyspace) throws -> Int {
    var count = 0
    while let found = try keyspace.value(for: key(count)) {
      guard found == value(count) else { return -1 }
      count += 1
    }
    var all = 0
    for _ in try keyspace.entries() { all += 1 }
    return all == count ? count : -1
  }

  /// Runs one schedule.
  package static func run(_ seed: UInt64) throws -> Outcome {
    var outcome = Outcome()
    outcome.wrong = try run(seed, &outcome)
    return outcome
  }

  private static func run(_ seed: UInt64, _ outcome: inout Outcome) throws -> String? {
    var random = SplitMix64(seed: seed)
    let world = TieredStore()
    var confirmed = 0
    var zombies: [Machine] = []
    var machine = try open(world, nil, on: SimulatedFileSystem(), &random)
    for _ in 0..<120 {
      switch random.below(20) {
      case 0..<6: write(&machine, .buffered)
      case 6..<8:
        if write(&machine, .synced) { machine.synced = machine.written }
      case 8..<12:
        if outcome.note(write(&machine, .remote)) {
          (confirmed, machine.synced) = (machine.written, machine.written)
        }
      case 12:
        // As the background does: what is in the bucket then is durable here too.
        if outcome.note((try? machine.store.putLogs()) != nil) {
          (confirmed, machine.synced) = (machine.written, machine.written)
        }
      case 13:
        if outcome.note((try? machine.store.sync(.remote)) != nil) {
          (confirmed, machine.synced) = (machine.written, machine.written)
        }
      case 14: try machine.store.flush()
      case 15:
        if outcome.note((try? machine.store.upload()) != nil) {
          (confirmed, machine.synced) = (machine.written, machine.written)
        }
      case 16:
        _ = try? machine.store.evict()
        while random.oneIn(2), world.bucket.hasLateRequests { world.bucket.deliverLateRequest() }
      case 17:
        // The process ends, or the power is cut.
        outcome.recoveries += 1
        if let wrong = try recover(&machine, world, &random) { return wrong }
      case 18:
        outcome.takeovers += 1
        zombies.append(machine)
        let written = machine.written
        machine = try open(world, (), on: SimulatedFileSystem(), &random)
        if machine.written < confirmed || machine.written > written {
          return "elsewhere: \(machine.written) of \(confirmed) to \(written)"
        }
      default:
        if var zombie = zombies.randomElement(using: &random), write(&zombie, .remote) {
          return "one that was taken over from confirms"
        }
        if let zombie = zombies.randomElement(using: &random),
          let put = try? zombie.store.upload(), put.files > 0
        {
          return "one that was taken over from uploads"
        }
      }
    }
    return nil
  }

  /// Opens the store again where its process ended, or the power was cut; returns what is wrong.
  private static func recover(
    _ machine: inout Machine, _ world: TieredStore, _ random: inout SplitMix64
  ) throws -> String? {
    let isCut = random.oneIn(2)
    let image =
      isCut
      ? machine.disk.crashImage(
        .allCases.randomElement(using: &random) ?? .durableOnly, seed: random.next())
      : machine.disk.killImage()
    let least = isCut ? machine.synced : machine.written
    let written = machine.written
    machine = try open(world, nil, on: image, &random)
    if least...written ~= machine.written { return nil }
    return "again: \(machine.written) of \(least) to \(written)"
  }

  @discardableResult
  private static func write(_ machine: inout Machine, _ durability: Durability) -> Bool {
    let number = machine.written
    do throws(StoreError) {
      defer { machine.written += 1 }
      try machine.keyspace.put(key(number), value(number), durability: durability)
      return true
    } catch {
      return false
    }
  }

  /// Opens a store here, or from the bucket, with a connection on which requests fail by chance once it is open.
  private static func open(
    _ world: TieredStore, _ elsewhere: Void?, on disk: SimulatedFileSystem,
    _ random: inout SplitMix64
  ) throws -> Machine {
    let connection = world.bucket.connect()
    var options = world.connected(connection)
    options.bucket?.logInterval = 1
    let store =
      elsewhere == nil
      ? try world.open(options, on: disk) : try world.openElsewhere(on: disk, options)
    let keyspace = try store.keyspace("sample")
    let count = try Self.count(keyspace)
    let seed = random.next()
    let rarity = [3, 8, 1000][random.below(3)]
    connection.setFaults { call, _, _ in
      var random = SplitMix64(seed: seed &+ UInt64(call))
      return random.oneIn(rarity) ? kinds[random.below(kinds.count)] : nil
    }
    return Machine(
      store: store, keyspace: keyspace, disk: disk, connection: connection, written: count,
      synced: count)
  }
}

extension TakeoverSchedule.Outcome {
  /// Counts whether the bucket confirmed something; the same again.
  fileprivate mutating func note(_ isConfirmed: Bool) -> Bool {
    if isConfirmed { confirmations += 1 } else { refusals += 1 }
    return isConfirmed
  }
}
