import Varve
import VarveSimulation

// Operations as the Swift code that makes them, to be pasted into a test: see ModelRunTests.

extension ModelOperation {
  /// The operation as an element of a list in Swift.
  package var swift: String {
    switch self {
    case .makeKeyspace(let keyspace): ".makeKeyspace(\(keyspace))"
    case .dropKeyspace(let keyspace): ".dropKeyspace(\(keyspace))"
    case .put(let keyspace, let key, let value, let life, let durability):
      ".put(\(keyspace), key: \(key), \(value.swift), \(life.swift), .\(durability))"
    case .delete(let keyspace, let key, let durability):
      ".delete(\(keyspace), key: \(key), .\(durability))"
    case .commit(let writes, let durability):
      ".commit([\(writes.map(\.swift).joined(separator: ", "))], .\(durability))"
    case .commitReused(let forgotten, let writes, let durability):
      ".commitReused([\(forgotten.map(\.swift).joined(separator: ", "))], "
        + "then: [\(writes.map(\.swift).joined(separator: ", "))], .\(durability))"
    case .lent(let operation): ".lent(\(operation.swift))"
    case .openForReading(let isKilled): ".openForReading(afterKill: \(isKilled))"
    case .takeSnapshot(let slot): ".takeSnapshot(\(slot))"
    case .closeSnapshot(let slot): ".closeSnapshot(\(slot))"
    case .pass(let milliseconds): ".pass(milliseconds: \(milliseconds))"
    case .crash(let calls, let mode, let seed):
      ".crash(afterCalls: \(calls), .\(mode), seed: \(seed))"
    case .sync, .flush, .compact, .pause, .resume, .reopen, .kill, .compareAll: ".\(self)"
    case .get, .getMany, .scan, .openCursor, .moveCursor, .closeCursor, .getVector, .scanVectors,
      .makeWrongVectors, .fetch, .scanOnThread, .scanBetween, .approximateSize:
      swiftOfReading
    default: swiftOfBucket
    }
  }

  private var swiftOfBucket: String {
    switch self {
    case .evict(let kept): ".evict(keeping: \(kept))"
    case .prefetch(let most): ".prefetch(most: \(most))"
    case .collect(let seconds): ".collect(graceSeconds: \(seconds))"
    case .scrub(let isDeep, let repairs): ".scrub(isDeep: \(isDeep), repairs: \(repairs))"
    case .makeCheckpoint(let slot): ".makeCheckpoint(\(slot))"
    case .removeCheckpoint(let slot): ".removeCheckpoint(\(slot))"
    case .outage(let requests, let kind): ".outage(afterRequests: \(requests), .\(kind))"
    case .loseCopy(let number): ".loseCopy(\(number))"
    case .openWithBucket(let isNew): ".openWithBucket(isNew: \(isNew))"
    case .compareElsewhere(let version): ".compareElsewhere(.\(version))"
    case .moveElsewhere(let version): ".moveElsewhere(.\(version))"
    default: ".\(self)"
    }
  }

  private var swiftOfReading: String {
    switch self {
    case .get(let keyspace, let key, let slot):
      ".get(\(keyspace), key: \(key), at: \(Self.swift(slot)))"
    case .getMany(let keyspace, let keys, let slot):
      ".getMany(\(keyspace), keys: \(keys), at: \(Self.swift(slot)))"
    case .scan(let keyspace, let range, let order, let keysOnly, let slot):
      ".scan(\(keyspace), .\(range), .\(order), keysOnly: \(keysOnly), at: \(Self.swift(slot)))"
    case .openCursor(let cursor, let keyspace, let range, let order, let slot):
      ".openCursor(\(cursor), on: \(keyspace), .\(range), .\(order), at: \(Self.swift(slot)))"
    case .moveCursor(let cursor, let moves):
      ".moveCursor(\(cursor), [\(moves.map { ".\($0)" }.joined(separator: ", "))])"
    case .closeCursor(let cursor): ".closeCursor(\(cursor))"
    case .getVector(let keyspace, let key, let number, let slot):
      ".getVector(\(keyspace), key: \(key), .\(number), at: \(Self.swift(slot)))"
    case .scanVectors(let keyspace, let range, let order, let number, let slot):
      ".scanVectors(\(keyspace), .\(range), .\(order), .\(number), at: \(Self.swift(slot)))"
    case .makeWrongVectors(let dimension): ".makeWrongVectors(dimension: \(dimension))"
    case .fetch(let keyspace, let keys, let slot):
      ".fetch(\(keyspace), keys: \(keys), at: \(Self.swift(slot)))"
    case .scanOnThread(let keyspace, let slot):
      ".scanOnThread(\(keyspace), at: \(Self.swift(slot)))"
    case .scanBetween(let keyspace, let one, let other, let order, let slot):
      ".scanBetween(\(keyspace), from: \(one), to: \(other), .\(order), at: \(Self.swift(slot)))"
    case .approximateSize(let keyspace, let range): ".approximateSize(\(keyspace), .\(range))"
    default: ""
    }
  }

  private static func swift(_ slot: Int?) -> String { slot.map(String.init) ?? "nil" }
}

extension ModelWrite {
  var swift: String {
    switch self {
    case .put(let keyspace, let key, let value, let life):
      ".put(\(keyspace), key: \(key), \(value.swift), \(life.swift))"
    case .delete(let keyspace, let key): ".delete(\(keyspace), key: \(key))"
    }
  }
}

extension ModelValue {
  var swift: String {
    switch self {
    case .text(let count, let seed): ".text(\(count), \(seed))"
    case .noise(let count, let seed): ".noise(\(count), \(seed))"
    case .vector(let count, let seed): ".vector(\(count), \(seed))"
    }
  }
}

extension ModelLife {
  var swift: String {
    switch self {
    case .usual: ".usual"
    case .lasting(let milliseconds): ".lasting(milliseconds: \(milliseconds))"
    case .until(let milliseconds): ".until(milliseconds: \(milliseconds))"
    }
  }
}

extension ModelOptions {
  /// The options as an expression in Swift: what is not plain.
  package var swift: String {
    let plain = ModelOptions()
    var parts: [String] = []
    if seed != plain.seed { parts.append("seed: \(seed)") }
    if policies != plain.policies {
      parts.append("policies: [\(policies.map(\.swift).joined(separator: ", "))]")
    }
    if memTableBytes != plain.memTableBytes { parts.append("memTableBytes: \(memTableBytes)") }
    if segmentBytes != plain.segmentBytes { parts.append("segmentBytes: \(segmentBytes)") }
    if firstLogBytes != plain.firstLogBytes { parts.append("firstLogBytes: \(firstLogBytes)") }
    if valueFileBytes != plain.valueFileBytes { parts.append("valueFileBytes: \(valueFileBytes)") }
    if memoryBudget != plain.memoryBudget { parts.append("memoryBudget: \(memoryBudget)") }
    if let writeRate { parts.append("writeRate: \(writeRate)") }
    if readMode != plain.readMode { parts.append("readMode: .\(readMode)") }
    if background != plain.background { parts.append("background: .\(background)") }
    if logsAreReusable != plain.logsAreReusable {
      parts.append("logsAreReusable: \(logsAreReusable)")
    }
    if let bucket { parts.append("bucket: \(bucket.swift)") }
    return "ModelOptions(\(parts.joined(separator: ", ")))"
  }
}

extension ModelBucket {
  var swift: String {
    var parts: [String] = []
    if hasLogs { parts.append("hasLogs: true") }
    if diskCacheBytes != 0 { parts.append("diskCacheBytes: \(diskCacheBytes)") }
    return "ModelBucket(\(parts.joined(separator: ", ")))"
  }
}

extension ModelPolicy {
  var swift: String {
    let plain = ModelPolicy()
    var parts: [String] = []
    if compression != plain.compression { parts.append("compression: .\(compression)") }
    if blockBytes != plain.blockBytes { parts.append("blockBytes: \(blockBytes)") }
    if largeValueBytes != plain.largeValueBytes {
      parts.append("largeValueBytes: \(largeValueBytes)")
    }
    if valueAlignment != plain.valueAlignment { parts.append("valueAlignment: \(valueAlignment)") }
    if filterBits != plain.filterBits { parts.append("filterBits: \(filterBits)") }
    if let timeToLive { parts.append("timeToLive: \(timeToLive)") }
    if let valueBytes { parts.append("valueBytes: \(valueBytes)") }
    return "ModelPolicy(\(parts.joined(separator: ", ")))"
  }
}

/// A failing run as a test to paste.
package func swiftTest(
  named name: String, _ options: ModelOptions, _ operations: [ModelOperation]
) -> String {
  let lines = operations.map { "    \($0.swift)," }
  return """
    // swift-format-ignore
    @Test func \(name)() {
      let options = \(options.swift)
      let operations: [ModelOperation] = [
    \(lines.joined(separator: "\n"))
      ]
      #expect(ModelRun.outcome(of: operations, options).failure == nil)
    }
    """
}
