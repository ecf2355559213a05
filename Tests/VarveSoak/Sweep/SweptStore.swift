import Varve
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// A small store with something in every kind of file, and what may be found in it.
struct SweptStore: Sendable {
  typealias Content = CrashWorkload.Content

  /// How its last writer ended.
  enum End: String, CaseIterable, Sendable {
    case closed
    case crashed
  }

  /// What is written.
  enum Shape: String, Sendable {
    /// By all codecs, of many lengths, all by chance.
    case varied
    /// Values that no codec makes smaller, of two lengths: blocks and records of equal length, and files of
    /// equal layout in stores whose bytes are others.
    case even
  }

  let end: End
  let shape: Shape
  let disk: SimulatedFileSystem
  /// What was there after each commit since the last log was begun, the newest last.
  ///
  /// Of a store that was closed only that one counts. After a crash, damage cannot be told from what the
  /// crash tore where nothing says that it was durable.
  let history: [Content]
  /// What the verifier has to say of the store as it is.
  private(set) var notices: [IntegrityFinding] = []
  /// The newest, as it was written.
  let manifest: Manifest
  /// The logs that such a crash left.
  let log: SweptLog?
  /// The files by their names in the store, the lock left out.
  let files: [String: [UInt8]]
  /// Files as they were in the midst of the last log.
  let older: [String: [UInt8]]

  init(_ end: End, _ shape: Shape = .varied, seed: UInt64) throws {
    self.end = end
    self.shape = shape
    let system = SimulatedFileSystem(seed: seed)
    var random = SeededRandom(seed: seed)
    var content: Content = ["default": [:]]
    let store = try CrashWorkload.open(system, identity: seed)
    for (name, compression) in shape.compressions {
      var policy = KeyspacePolicy()
      policy.compression = compression
      policy.blockBytes = 4 << 10
      _ = try store.keyspace(name, policy)
      content[name] = [:]
    }
    var history: [Content] = []
    // Some generations in segments and value files, one of them compacted; the rest is in the log.
    for round in 0..<shape.rounds {
      let isLast = round == shape.rounds - 1
      for name in content.keys.sorted() {
        try shape.write(into: name, of: store, &content, round, &random) {
          if isLast { history.append($0) }
        }
      }
      if !isLast { try store.flush() }
      if round == 0 { try store.compact() }
      if !isLast { history = [content] }
    }
    let older = system.crashImage(.everything)
    for index in 0..<4 {
      let (key, value) = (Array("last \(index)".utf8), random.bytes(30))
      try store.keyspace("default").put(key, value, durability: index < 2 ? .synced : .buffered)
      content["default"]?[key] = value
      history.append(content)
    }
    if end == .closed {
      try store.close()
      history = [content]
    }
    self.history = history
    disk = system.crashImage(.everything)
    files = Self.files(of: disk)
    self.older = Self.files(of: older)
    manifest = try Self.newestManifest(in: files)
    log = end == .crashed ? try SweptLog(files, of: manifest) : nil
    var notices: [IntegrityFinding] = []
    try StoreVerifier(at: "store", on: disk.crashImage(.everything)).run(.deep) {
      notices.append($0)
    }
    self.notices = notices
    // Each commit is one record, or nobody could say what must be found.
    if let log, log.commits != history.count - 1 { throw Unexpected(commits: log.commits) }
  }

  /// The log holds other records than were written.
  struct Unexpected: Error { var commits: Int }

  /// The highest, as it stands.
  static func newestManifest(in files: [String: [UInt8]]) throws -> Manifest {
    let named = files.compactMap { name, bytes in FileName(parsing: name).map { ($0, bytes) } }
    let newest = named.filter { $0.0.kind == .manifest }.max { $0.0.number < $1.0.number }
    guard let newest else { throw Violation("there is no manifest") }
    return try newest.1.withByteView { try Manifest(decoding: $0) }
  }

  /// What makes another seed one that lets time pass in the same way, so that files have equal layouts.
  static let twin: UInt64 = 5

  /// Other files of the kind of `file`, of this store or of another.
  func siblings(of file: String, in other: [String: [UInt8]]? = nil) -> [[UInt8]] {
    let kind = file.prefix { $0 != "-" }
    let files = other ?? files.filter { $0.key != file }
    return files.filter { $0.key.hasPrefix(kind) }.sorted { $0.key < $1.key }.map(\.value)
  }

  /// The store's files on a disk by their names, the lock left out.
  static func files(of disk: SimulatedFileSystem) -> [String: [UInt8]] {
    Dictionary(
      uniqueKeysWithValues: disk.contents().compactMap { path, bytes in
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return name == "lock" ? nil : (name, bytes)
      })
  }

  /// Files of another store that have no like here, under their own names and with the number that comes next.
  func intruders(from other: [String: [UInt8]]) -> [(file: String, bytes: [UInt8])] {
    let next = (files.keys.compactMap(FileName.init(parsing:)).map(\.number).max() ?? 0) + 1
    return other.sorted { $0.key < $1.key }.flatMap { file, bytes in
      let renamed = FileName(parsing: file).map { FileName($0.kind, next).description }
      return [file, renamed].compactMap(\.self).filter { files[$0] == nil }.map { ($0, bytes) }
    }
  }

  /// What was there when the last writer ended.
  var newest: Content { history[history.count - 1] }

  /// What may be found when a file holds these bytes, or is gone: no content where that must be refused.
  func allowed(_ file: String, _ mutated: [UInt8]?) -> [Content] {
    guard let log, let name = FileName(parsing: file), name.kind == .log else { return [newest] }
    let commits = log.commits(of: name.number, files[file] ?? [], mutated ?? [])
    return commits.map { [history[$0]] } ?? []
  }
}
