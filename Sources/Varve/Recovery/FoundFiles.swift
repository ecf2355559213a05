import VarveFormat
import VarvePlatform

/// What stands in a store's directory: our files, by the strict grammar of their names. Everything
/// else is somebody else's and is left alone.
struct FoundFiles {
  var names: [FileName] = []
  /// Temporary files that a crash left behind.
  var temporaries: [String] = []
  /// What is kept of cold files.
  var tails: [String] = []
  /// Whether there is anything that is not ours, nor of the file system's own at its root.
  var hasOthers = false

  init(in directory: any Directory) throws(StoreError) {
    let all: [String]
    do throws(FileSystemError) { all = try directory.names() } catch { throw StoreError(error) }
    for name in all {
      if let parsed = FileName(parsing: name) {
        names.append(parsed)
      } else if name.hasSuffix(".new"), Self.isOurs(String(name.dropLast(4))) {
        temporaries.append(name)
      } else if name.hasSuffix(".tail"), FileName(parsing: String(name.dropLast(5))) != nil {
        tails.append(name)
      } else if !Self.others.contains(name) {
        hasOthers = true
      }
    }
  }

  /// Names that say nothing of whether there is a store; the last one is the file system's.
  private static let others: Set<String> = [
    FileName.lock, FileName.bucket, FileName.slots, "lost+found",
  ]

  private static func isOurs(_ name: String) -> Bool {
    FileName(parsing: name) != nil || name == FileName.bucket
  }

  /// Whether no store was ever completely made here.
  var isEmpty: Bool { names.isEmpty }

  var manifests: [UInt64] { numbers(of: .manifest) }

  /// Ascending.
  var logs: [UInt64] { numbers(of: .log).sorted() }

  /// Value files that `manifest` does not name: a crash left them growing, or as orphans. Never one with the number
  /// of a segment, by which blocks and values in memory are told apart.
  func leftoverValueFiles(of manifest: Manifest) -> [UInt64] {
    let found = numbers(of: .values)
    guard !found.isEmpty else { return [] }
    let named = Set(manifest.valueFiles.map(\.number) + manifest.segments.map(\.number))
    return found.filter { !named.contains($0) }
  }

  /// Whether the commit of the newest manifest may not have come to its end: then its predecessor is still there, or
  /// it has none.
  func mayLose(_ newest: Manifest) -> Bool { manifests.count > 1 || newest.number == 1 }

  /// Above the number of every log, segment and value file.
  var nextNumber: UInt64 {
    let highest = names.filter { $0.kind != .manifest }.map(\.number).max() ?? 0
    return highest == .max ? .max : highest + 1
  }

  private func numbers(of kind: FileName.Kind) -> [UInt64] {
    names.filter { $0.kind == kind }.map(\.number)
  }
}

extension FoundFiles {
  /// Throws unless a store may be made here, where there is none: nothing may stand here but what a
  /// crash leaves of a making. Other files are those of a directory that was named by mistake.
  func checkPlace(_ path: String, isMaking: Bool) throws(StoreError) {
    guard isMaking else {
      throw StoreError(
        .notFound, "the directory holds no store: check the path, or let one be made", file: path)
    }
    guard !hasOthers else {
      throw StoreError(
        .notEmpty,
        "the directory holds other files and no store: name one that is empty or does not exist yet",
        file: path)
    }
  }
}
