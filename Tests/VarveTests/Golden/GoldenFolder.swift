import CVarveLZ4
import CVarveZstd
import Foundation
import VarveFormat
import VarveTestSupport

@testable import Varve

/// One kept store on the disk.
///
/// ```
/// format-spec/golden/v0/<name>/store/...          the files
///                              entries.jsonl     every live entry, as tools/spec-decoder prints it
///                              keyspaces.jsonl   every keyspace and its policy
///                              SHA256SUMS        of all of these, for sha256sum -c
///                              codecs            of a compressed one: what compressed it
/// format-spec/golden/buckets/v0/<name>/...        the same, store/ is what its machine has, and
///                              bucket/...        the objects of its bucket
///                              uploaded.jsonl    every live entry of the version that was put last
/// ```
struct GoldenFolder {
  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "format-spec/golden")

  /// The versions of the libraries in this process, which decide what compressed bytes are.
  static let codecs = "zstd \(ZSTD_versionNumber())\nlz4 \(LZ4_versionNumber())\n"

  /// The folder of the format that this code writes.
  static let current = "v\(FileHeader.currentVersion)"

  let url: URL
  var name: String { url.lastPathComponent }
  /// "v0/one".
  var label: String { "\(url.deletingLastPathComponent().lastPathComponent)/\(name)" }

  init(_ url: URL) { self.url = url }

  init(of store: GoldenStore) {
    self.init(Self.root.appending(path: "\(Self.current)/\(store.name)"))
  }

  init(of bucket: GoldenBucket) {
    self.init(Self.buckets.appending(path: "\(Self.current)/\(bucket.name)"))
  }

  static let buckets = root.appending(path: "buckets")

  /// Every store of every version that is kept; or every one with a bucket.
  static func all(in root: URL = root) throws -> [GoldenFolder] {
    try folders(in: root).filter { $0.lastPathComponent.hasPrefix("v") }.flatMap(folders(in:))
      .map(GoldenFolder.init)
  }

  private static func folders(in url: URL) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(
      at: url, includingPropertiesForKeys: [.isDirectoryKey]
    ).filter { try $0.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == true }
      .sorted { $0.path < $1.path }
  }

  var exists: Bool { FileManager.default.fileExists(atPath: url.path) }

  func text(_ name: String) -> String? {
    try? String(contentsOf: url.appending(path: name), encoding: .utf8)
  }

  /// The objects of the bucket; none where there is no bucket.
  func objects() throws -> [String: [UInt8]] {
    let bucket = url.appending(path: "bucket")
    let names = try? FileManager.default.subpathsOfDirectory(atPath: bucket.path)
    return try Dictionary(
      uniqueKeysWithValues: (names ?? []).compactMap { name in
        let file = bucket.appending(path: name)
        guard try file.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == false else {
          return nil
        }
        return (name, [UInt8](try Data(contentsOf: file)))
      })
  }

  /// The files of the store.
  func files() throws -> [String: [UInt8]] {
    let store = url.appending(path: "store")
    let names = try FileManager.default.contentsOfDirectory(atPath: store.path)
    return try Dictionary(
      uniqueKeysWithValues: names.map {
        ($0, [UInt8](try Data(contentsOf: store.appending(path: $0))))
      })
  }
}

// MARK: - Expectations

extension GoldenFolder {
  /// What is kept beside the files.
  struct Expectation: Equatable {
    var entries = ""
    var keyspaces = ""

    /// What a reader finds in an open store.
    init(of store: SegmentStore) throws {
      for keyspace in store.keyspaces.sorted(by: { $0.number < $1.number }) {
        keyspaces += Self.line(keyspace) + "\n"
        try keyspace.forEach { key, value in
          let (key, value) = (Self.hex([UInt8](copying: key)), Self.hex([UInt8](copying: value)))
          entries +=
            "{\"keyspace\": \(Self.quoted(keyspace.name)), \"key\": \"\(key)\", \"value\": \"\(value)\"}\n"
        }
      }
    }

    init(kept folder: GoldenFolder) throws {
      entries = try String(
        contentsOf: folder.url.appending(path: "entries.jsonl"), encoding: .utf8)
      keyspaces = try String(
        contentsOf: folder.url.appending(path: "keyspaces.jsonl"), encoding: .utf8)
    }

    private static func line(_ keyspace: Keyspace) -> String {
      let policy = keyspace.policy
      let members: [(String, String)] = [
        ("name", quoted(keyspace.name)), ("number", "\(keyspace.number)"),
        ("compression", quoted("\(policy.compression)")),
        ("time_to_live", policy.timeToLiveMilliseconds.map { "\($0)" } ?? "null"),
        ("large_value_bytes", "\(policy.largeValueBytes)"),
        ("value_alignment", "\(policy.valueAlignment)"),
        ("value_bytes", policy.valueBytes.map { "\($0)" } ?? "null"),
        ("block_bytes", "\(policy.blockBytes)"),
        ("filter_bits_per_key", "\(policy.filterBitsPerKey)"),
      ]
      return "{" + members.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}"
    }

    /// As Python writes it, so that the decoder's lines are these: ASCII alone.
    private static func quoted(_ text: String) -> String {
      var out = "\""
      for unit in text.utf16 {
        let isPlain = (0x20..<0x7f).contains(unit) && unit != 0x22 && unit != 0x5c
        let digits = String(unit, radix: 16)
        out +=
          isPlain
          ? String(UnicodeScalar(UInt8(unit)))
          : "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
      return out + "\""
    }

    private static func hex(_ bytes: [UInt8]) -> String {
      guard case .text(let text) = JSON.hex(bytes) else { return "" }
      return text
    }
  }
}

// MARK: - Sums and writing

extension GoldenFolder {
  /// What `sha256sum` prints of everything that is kept.
  func sums() throws -> String {
    var parts = try files().map { ("store/\($0)", $1) }
    parts += try objects().map { ("bucket/\($0)", $1) }
    for name in ["codecs", "entries.jsonl", "keyspaces.jsonl", "uploaded.jsonl"] {
      if let text = text(name) { parts.append((name, Array(text.utf8))) }
    }
    return parts.sorted { $0.0 < $1.0 }.map { name, bytes in
      guard case .text(let digits) = JSON.hex(bytes.withByteView(SHA256.digest(of:))) else {
        return ""
      }
      return "\(digits)  \(name)\n"
    }.joined()
  }

  /// Keeps these files in place of what is there.
  func write(
    _ files: [String: [UInt8]], _ expectation: Expectation, isCompressed: Bool,
    objects: [String: [UInt8]] = [:], uploaded: Expectation? = nil
  ) throws {
    let manager = FileManager.default
    if exists { try manager.removeItem(at: url) }
    let store = url.appending(path: "store")
    try manager.createDirectory(at: store, withIntermediateDirectories: true)
    for (name, bytes) in files { try Data(bytes).write(to: store.appending(path: name)) }
    for (name, bytes) in objects {
      let file = url.appending(path: "bucket/\(name)")
      try manager.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(bytes).write(to: file)
    }
    var texts = [
      ("entries.jsonl", expectation.entries), ("keyspaces.jsonl", expectation.keyspaces),
    ]
    if isCompressed { texts.append(("codecs", Self.codecs)) }
    if let uploaded { texts.append(("uploaded.jsonl", uploaded.entries)) }
    for (name, text) in texts { try Data(text.utf8).write(to: url.appending(path: name)) }
    try Data(try sums().utf8).write(to: url.appending(path: "SHA256SUMS"))
  }
}
