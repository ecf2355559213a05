import Varve
import VarveSimulation

// What a shrinker tries in an operation's place. Each is plainer by an order that never goes up: smaller
// numbers, fewer parts, and of alternatives the one that stands first.

extension ModelOperation {
  /// Operations that are plainer, the plainest first.
  package var simpler: [ModelOperation] {
    switch self {
    case .put, .delete, .commit, .commitReused: simplerWrites
    case .get, .getMany, .scan, .openCursor, .moveCursor: simplerReads
    case .getVector, .scanVectors, .fetch, .scanOnThread, .scanBetween, .approximateSize:
      simplerOtherReads
    case .lent(let operation): [operation] + operation.simpler.map(Self.lent)
    case .openForReading(let isKilled):
      [isKilled ? .openForReading(afterKill: false) : .reopen]
    case .dropKeyspace(let keyspace): Plainer.numbers(keyspace, least: 1).map(Self.dropKeyspace)
    case .makeKeyspace(let keyspace): Plainer.numbers(keyspace, least: 1).map(Self.makeKeyspace)
    case .pass(let milliseconds):
      milliseconds > 0 ? Plainer.numbers(milliseconds).map(Self.pass) : []
    case .crash(let calls, let mode, let seed):
      Plainer.numbers(calls).map { .crash(afterCalls: $0, mode, seed: seed) }
        + (mode == .durableOnly ? [] : [.crash(afterCalls: calls, .durableOnly, seed: seed)])
        + (seed == 0 ? [] : [.crash(afterCalls: calls, mode, seed: 0)])
    case .reopen: []
    case .kill: [.reopen]
    case .compact: [.flush]
    default: simplerWithBucket
    }
  }

  private var simplerWithBucket: [ModelOperation] {
    switch self {
    case .evict(let kept): Plainer.numbers(kept).map { .evict(keeping: $0) }
    case .prefetch(let most): [.prefetchAll] + Plainer.numbers(most).map { .prefetch(most: $0) }
    case .collect(let seconds): Plainer.numbers(seconds).map { .collect(graceSeconds: $0) }
    case .scrub(let isDeep, let repairs):
      (repairs ? [.scrub(isDeep: isDeep, repairs: false)] : [])
        + (isDeep ? [.scrub(isDeep: false, repairs: repairs)] : [])
    case .makeCheckpoint(let slot): Plainer.numbers(slot).map(Self.makeCheckpoint)
    case .removeCheckpoint(let slot): Plainer.numbers(slot).map(Self.removeCheckpoint)
    case .outage(let requests, let kind):
      Plainer.numbers(requests).map { .outage(afterRequests: $0, kind) }
        + (kind == .refused ? [] : [.outage(afterRequests: requests, .refused)])
    case .loseCopy(let number): Plainer.numbers(number).map(Self.loseCopy)
    case .openWithBucket(let isNew): isNew ? [.openWithBucket(isNew: false)] : []
    case .compareElsewhere(let version): version.simpler.map(Self.compareElsewhere)
    case .moveElsewhere(let version): version.simpler.map(Self.moveElsewhere)
    default: []
    }
  }

  private var simplerWrites: [ModelOperation] {
    switch self {
    case .put(let keyspace, let key, let value, let life, let durability):
      ModelWrite.put(keyspace, key: key, value, life).simpler.map { $0.alone(durability) }
        + (durability == .buffered
          ? [] : [.put(keyspace, key: key, value, life, .buffered)])
    case .delete(let keyspace, let key, let durability):
      ModelWrite.delete(keyspace, key: key).simpler.map { $0.alone(durability) }
        + (durability == .buffered ? [] : [.delete(keyspace, key: key, .buffered)])
    case .commit(let writes, let durability):
      (writes.count == 1 ? [writes[0].alone(durability)] : [])
        + (durability == .buffered ? [] : [.commit(writes, .buffered)])
        + Plainer.lists(writes, simpler: \.simpler).map { .commit($0, durability) }
    case .commitReused(let forgotten, let writes, let durability):
      [.commit(writes, durability)]
        + (durability == .buffered ? [] : [.commitReused(forgotten, then: writes, .buffered)])
        + Plainer.lists(forgotten, simpler: \.simpler).map {
          .commitReused($0, then: writes, durability)
        }
        + Plainer.lists(writes, simpler: \.simpler).map {
          .commitReused(forgotten, then: $0, durability)
        }
    default: []
    }
  }

  private var simplerReads: [ModelOperation] {
    switch self {
    case .get(let keyspace, let key, let slot):
      Plainer.slots(slot).map { .get(keyspace, key: key, at: $0) }
        + Plainer.numbers(keyspace).map { .get($0, key: key, at: slot) }
        + Plainer.keys(key).map { .get(keyspace, key: $0, at: slot) }
    case .getMany(let keyspace, let keys, let slot):
      Plainer.lists(keys, simpler: Plainer.keys).map { .getMany(keyspace, keys: $0, at: slot) }
        + (keys.count == 1 ? [.get(keyspace, key: keys[0], at: slot)] : [])
    case .scan(let keyspace, let range, let order, let keysOnly, let slot):
      (range == .all
        ? [] : [.scan(keyspace, .all, order, keysOnly: keysOnly, at: slot)])
        + (keysOnly ? [.scan(keyspace, range, order, keysOnly: false, at: slot)] : [])
        + Plainer.slots(slot).map { .scan(keyspace, range, order, keysOnly: keysOnly, at: $0) }
        + Plainer.orders(order).map { .scan(keyspace, range, $0, keysOnly: keysOnly, at: slot) }
        + Plainer.numbers(keyspace).map { .scan($0, range, order, keysOnly: keysOnly, at: slot) }
    case .openCursor(let cursor, let keyspace, let range, let order, let slot):
      (range == .all ? [] : [.openCursor(cursor, on: keyspace, .all, order, at: slot)])
        + Plainer.slots(slot).map { .openCursor(cursor, on: keyspace, range, order, at: $0) }
        + Plainer.orders(order).map { .openCursor(cursor, on: keyspace, range, $0, at: slot) }
        + Plainer.numbers(keyspace).map { .openCursor(cursor, on: $0, range, order, at: slot) }
    case .moveCursor(let cursor, let moves):
      Plainer.lists(moves, simpler: \.simpler).map { .moveCursor(cursor, $0) }
    default: []
    }
  }
}

extension ModelOperation {
  private var simplerOtherReads: [ModelOperation] {
    switch self {
    case .getVector(let keyspace, let key, let number, let slot):
      [.get(keyspace, key: key, at: slot)]
        + Plainer.slots(slot).map { .getVector(keyspace, key: key, number, at: $0) }
        + Plainer.numbers(keyspace).map { .getVector($0, key: key, number, at: slot) }
        + Plainer.keys(key).map { .getVector(keyspace, key: $0, number, at: slot) }
    case .scanVectors(let keyspace, let range, let order, let number, let slot):
      [.scan(keyspace, range, order, keysOnly: false, at: slot)]
        + (range == .all ? [] : [.scanVectors(keyspace, .all, order, number, at: slot)])
        + Plainer.slots(slot).map { .scanVectors(keyspace, range, order, number, at: $0) }
        + Plainer.orders(order).map { .scanVectors(keyspace, range, $0, number, at: slot) }
        + Plainer.numbers(keyspace).map { .scanVectors($0, range, order, number, at: slot) }
    case .fetch(let keyspace, let keys, let slot):
      [.getMany(keyspace, keys: keys, at: slot)]
        + Plainer.slots(slot).map { .fetch(keyspace, keys: keys, at: $0) }
        + Plainer.numbers(keyspace).map { .fetch($0, keys: keys, at: slot) }
        + Plainer.lists(keys, simpler: Plainer.keys).map { .fetch(keyspace, keys: $0, at: slot) }
    case .scanOnThread(let keyspace, let slot):
      [.scan(keyspace, .all, .ascending, keysOnly: false, at: slot)]
        + Plainer.slots(slot).map { .scanOnThread(keyspace, at: $0) }
        + Plainer.numbers(keyspace).map { .scanOnThread($0, at: slot) }
    case .scanBetween(let keyspace, let one, let other, let order, let slot):
      [.scan(keyspace, .between(one, other), order, keysOnly: false, at: slot)]
        + Plainer.slots(slot).map { .scanBetween(keyspace, from: one, to: other, order, at: $0) }
        + Plainer.orders(order).map { .scanBetween(keyspace, from: one, to: other, $0, at: slot) }
        + Plainer.numbers(keyspace).map { .scanBetween($0, from: one, to: other, order, at: slot) }
        + Plainer.keys(one).map { .scanBetween(keyspace, from: $0, to: other, order, at: slot) }
        + Plainer.keys(other).map { .scanBetween(keyspace, from: one, to: $0, order, at: slot) }
    case .approximateSize(let keyspace, let range):
      (range == .all ? [] : [.approximateSize(keyspace, .all)])
        + range.simpler.map { .approximateSize(keyspace, $0) }
        + Plainer.numbers(keyspace).map { .approximateSize($0, range) }
    default: []
    }
  }
}

extension ModelVersion {
  var simpler: [ModelVersion] {
    switch self {
    case .newest: []
    case .earlier(let count): [.newest] + Plainer.numbers(count, least: 1).map(Self.earlier)
    case .checkpoint(let slot): [.newest] + Plainer.numbers(slot).map(Self.checkpoint)
    }
  }
}

extension ModelRange {
  /// Of the same kind.
  fileprivate var simpler: [ModelRange] {
    switch self {
    case .all: []
    case .from(let lower): Plainer.keys(lower).map(Self.from)
    case .to(let upper): Plainer.keys(upper).map(Self.to)
    case .like(let key): Plainer.keys(key).map(Self.like)
    case .between(let lower, let upper):
      Plainer.keys(lower).map { .between($0, upper) }
        + Plainer.keys(upper).map { .between(lower, $0) }
    }
  }
}

extension ModelMove {
  var simpler: [ModelMove] {
    guard case .seek(let key) = self else { return [] }
    return Plainer.keys(key).map(Self.seek)
  }
}

extension ModelWrite {
  var simpler: [ModelWrite] {
    switch self {
    case .delete(let keyspace, let key):
      Plainer.numbers(keyspace).map { .delete($0, key: key) }
        + Plainer.keys(key).map { .delete(keyspace, key: $0) }
    case .put(let keyspace, let key, let value, let life):
      value.simpler.map { .put(keyspace, key: key, $0, life) }
        + (life == .usual ? [] : [.put(keyspace, key: key, value, .usual)])
        + Plainer.numbers(keyspace).map { .put($0, key: key, value, life) }
        + Plainer.keys(key).map { .put(keyspace, key: $0, value, life) }
    }
  }

  /// The same without a batch.
  func alone(_ durability: Durability) -> ModelOperation {
    switch self {
    case .put(let keyspace, let key, let value, let life):
      .put(keyspace, key: key, value, life, durability)
    case .delete(let keyspace, let key): .delete(keyspace, key: key, durability)
    }
  }
}

extension ModelValue {
  var simpler: [ModelValue] {
    switch self {
    case .text(let count, let seed):
      Plainer.numbers(count, least: 1).map { .text($0, seed) }
        + (seed == 0 ? [] : [.text(count, 0)])
    case .noise(let count, let seed):
      [.text(count, seed)] + Plainer.numbers(count, least: 1).map { .noise($0, seed) }
        + (seed == 0 ? [] : [.noise(count, 0)])
    case .vector(let count, let seed):
      [.noise(self.count, seed)] + Plainer.numbers(count, least: 1).map { .vector($0, seed) }
        + (seed == 0 ? [] : [.vector(count, 0)])
    }
  }
}

/// Plainer values of the parts that operations are made of.
enum Plainer {
  /// The least number, the one half way to it, and the one before.
  static func numbers(_ number: Int, least: Int = 0) -> [Int] {
    guard number > least else { return [] }
    let all = [least, least + (number - least) / 2, number - 1]
    return all.enumerated().filter { $0 == 0 || all[$0 - 1] != $1 }.map(\.element)
  }

  /// Below 16 are the strange ones: the plainest key is 16.
  static func keys(_ key: Int) -> [Int] { numbers(key, least: key < 16 ? 0 : 16) }

  static func slots(_ slot: Int?) -> [Int?] { slot == nil ? [] : [nil] }

  static func orders(_ order: ScanOrder) -> [ScanOrder] {
    order == .ascending ? [] : [.ascending]
  }

  /// Both halves, the list without each element, and with each element plainer; never an empty one.
  static func lists<Element>(
    _ list: [Element], simpler: (Element) -> [Element]
  ) -> [[Element]] {
    var found: [[Element]] = []
    if list.count > 3 {
      found = [Array(list.prefix(list.count / 2)), Array(list.suffix(list.count - list.count / 2))]
    }
    for index in list.indices where list.count > 1 {
      found.append(Array(list[..<index] + list[(index + 1)...]))
    }
    for index in list.indices {
      for element in simpler(list[index]) {
        var changed = list
        changed[index] = element
        found.append(changed)
      }
    }
    return found
  }
}
