import Foundation
import VarvePlatform

/// Names the places in the engine from which a sync is called, by the stack, so that the engine need not
/// know of it.
///
/// ```
/// ManifestWriter.swift:26 < VersionSet.swift:128 < Compactor.swift:77
///    asks for the sync        hands it on ...        works for a user: the same call from a flush is
///                                                    another site
/// ```
///
/// Named by `llvm-symbolizer`, once for each stack.
final class SyncSites: Sendable {
  private static let directory = "GuardedDirectory.swift"
  private static let inherited = "GuardedDirectory+Inherited.swift"
  /// Asks for a sync early, of what another one makes durable in the end.
  private static let early = "SyncBehind.swift"
  /// Files of the engine that hand a sync on, for whoever calls them.
  private static let passing = [
    directory, "TieredDirectory.swift", "SegmentFileBuffer.swift", "ThreadLock.swift",
    "Monitor.swift",
  ]
  /// Folders of the engine whose files say what a sync is for.
  private static let purposes = ["/Store/", "/Flush/", "/Compaction/", "/Recovery/"]

  private struct Known {
    /// The source places of each address, inlined ones too, innermost first.
    var places: [UInt: [String]] = [:]
    var names: [[UInt]: String] = [:]
    /// Lines of the engine on any of these stacks.
    var lines: Set<String> = []
  }

  private let base: UInt
  private let known = Monitor(Known())

  init() { base = Self.base() }

  /// Whether places have names on this machine.
  static var areNamed: Bool { symbolize([0]).contains { !$0.isEmpty } }

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
      let lines = stack.flatMap { known.places[$0] ?? [] }
      let name = Self.name(lines)
      known.lines.formUnion(Self.places(lines).map(\.description))
      known.names[stack] = name
      return name
    }
  }

  private static func name(_ lines: [String]) -> String {
    let places = places(lines)
    // The directory asks for a sync itself, before the first change of a name, whoever changes it.
    if let own = places.first(where: { $0.file == inherited }) { return own.description }
    var chain: [Place] = []
    for place in places where !passing.contains(place.file) {
      if chain.last?.file != place.file { chain.append(place) }
      if chain.count > 1, purposes.contains(where: place.path.contains) { break }
    }
    // A campaign that cannot tell its sites apart would leave out all syncs at once.
    precondition(!chain.isEmpty, "llvm-symbolizer does not name the engine's sources")
    return chain.map(\.description).joined(separator: " < ")
  }

  private static func places(_ lines: [String]) -> [Place] {
    lines.filter { $0.contains("/Sources/Varve/") }.compactMap(Place.init)
  }

  /// A line of the engine, as the symbolizer names it: `path:line:column`.
  private struct Place: CustomStringConvertible {
    let path: String
    let file: String
    let line: String

    init?(_ text: String) {
      let parts = text.split(separator: ":").map(String.init)
      guard parts.count >= 2, let file = parts[0].split(separator: "/").last else { return nil }
      (path, self.file, line) = (parts[0], String(file), parts[1])
    }

    /// What the compiler made up has no line.
    var description: String { line == "0" ? file : "\(file):\(line)" }
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

  /// The lines of the engine that ask for a sync and never did, as `file:line`. Not the one that does so early, to
  /// shorten a later one: nothing can miss it.
  func unreached() -> [String] {
    let reached = known.withLock { $0.lines }
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../../Sources/Varve").standardized
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
    var unreached: [String] = []
    while let file = files?.nextObject() as? URL {
      let name = file.lastPathComponent
      guard name.hasSuffix(".swift"), !Self.passing.contains(name),
        let text = try? String(contentsOf: file, encoding: .utf8)
      else { continue }
      for (number, line) in text.components(separatedBy: "\n").enumerated()
      where line.contains(".sync()") && !(name == Self.early && line.contains("// early")) {
        let place = "\(name):\(number + 1)"
        if !reached.contains(place) { unreached.append(place) }
      }
    }
    return unreached.sorted()
  }
}
