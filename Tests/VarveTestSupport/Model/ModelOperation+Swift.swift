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
    case .takeSnapshot(let slot): ".takeSnapshot(\(slot))"
    case .closeSnapshot(let slot): ".closeSnapshot(\(slot))"
    case .pass(let milliseconds): ".pass(milliseconds: \(milliseconds))"
    case .crash(let calls, let mode, let seed):
      ".crash(afterCalls: \(calls), .\(mode), seed: \(seed))"
    case .sync, .flush, .compact, .pause, .resume, .reopen, .kill, .compareAll: ".\(self)"
    case .get, .getMany, .scan, .openCursor, .moveCursor, .closeCursor: swiftOfReading
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
    if readMode != plain.readMode { parts.append("readMode: .\(readMode)") }
    if background != plain.background { parts.append("background: .\(background)") }
    if logsAreReusable != plain.logsAreReusable {
      parts.append("logsAreReusable: \(logsAreReusable)")
    }
    return "ModelOptions(\(parts.joined(separator: ", ")))"
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
