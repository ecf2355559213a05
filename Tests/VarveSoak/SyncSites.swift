import Foundation
import VarvePlatform

/// Names the places in the engine from which a sync is called.
///
/// By the stack, so that the engine need not know of it: the innermost places in two of its files that do
/// not just hand the call on. Named by `llvm-symbolizer`, once for each stack.
final class SyncSites: Sendable {
  /// Files of the engine that hand a sync on, for whoever calls them.
  private static let passing = [
    "GuardedDirectory.swift", "SegmentFileBuffer.swift", "SyncBehind.swift", "ThreadLock.swift",
    "Monitor.swift",
  ]

  private struct Known {
    /// The source places of each address, inlined ones too, innermost first.
    var places: [UInt: [String]] = [:]
    var names: [[UInt]: String] = [:]
  }

  private let base: UInt
  private let known = Monitor(Known())

  init() { base = Self.base() }

  /// Where this program lies in memory.
  private static func base() -> UInt {
    let maps = (try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8)) ?? ""
    let program =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let line = maps.split(separator: "\n").first { $0.hasSuffix(program) } ?? ""
    return UInt(line.prefix { $0 != "-" }, radix: 16) ?? 0
  }

  /// The place from which this thread asks for the sync that is under way.
  func current() -> String {
    let stack = Thread.callStackReturnAddresses.map { $0.uintValue &- base &- 1 }
    return known.withLock { known in
      if let name = known.names[stack] { return name }
      let unknown = stack.filter { known.places[$0] == nil }
      for (address, places) in zip(unknown, Self.symbolize(unknown)) {
        known.places[address] = places
      }
      let name = Self.name(stack.flatMap { known.places[$0] ?? [] })
      known.names[stack] = name
      return name
    }
  }

  private static func name(_ lines: [String]) -> String {
    let places = lines.filter { $0.contains("/Sources/Varve/") }
      .compactMap { $0.split(separator: "/").last.map { $0.split(separator: ":").prefix(2) } }
      .filter { part in !passing.contains { part.first == $0[...] } }
    let first = places.first ?? []
    let second = places.first { $0.first != first.first } ?? []
    return [first, second].map { $0.joined(separator: ":") }.joined(separator: " < ")
  }

  private static func symbolize(_ addresses: [UInt]) -> [[String]] {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments =
      ["llvm-symbolizer", "--obj=/proc/\(getpid())/exe", "--functions=none"]
      + addresses.map { "0x" + String($0, radix: 16) }
    let pipe = Pipe()
    process.standardOutput = pipe
    guard !addresses.isEmpty, (try? process.run()) != nil else { return [] }
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self).components(separatedBy: "\n\n")
      .map { $0.split(separator: "\n").map(String.init) }
  }
}
