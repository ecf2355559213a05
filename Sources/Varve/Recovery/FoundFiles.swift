import VarveFormat
import VarvePlatform

/// What stands in a store's directory: our files, by the strict grammar of their names. Everything
/// else is somebody else's and is left alone.
struct FoundFiles {
  var names: [FileName] = []
  /// Temporary files that a crash left behind.
  var temporaries: [String] = []

  init(in directory: any Directory) throws(StoreError) {
    let all: [String]
    do throws(FileSystemError) { all = try directory.names() } catch { throw StoreError(error) }
    for name in all {
      if let parsed = FileName(parsing: name) {
        names.append(parsed)
      } else if name.hasSuffix(".new"), FileName(parsing: String(name.dropLast(4))) != nil {
        temporaries.append(name)
      }
    }
  }

  /// Whether no store was ever completely made here.
  var isEmpty: Bool { names.isEmpty }

  var manifests: [UInt64] { numbers(of: .manifest) }

  /// Ascending.
  var logs: [UInt64] { numbers(of: .log).sorted() }

  /// Value files that `manifest` does not name: a crash left them growing, or as orphans.
  func leftoverValueFiles(of manifest: Manifest) -> [UInt64] {
    let named = Set(manifest.valueFiles.map(\.number))
    return numbers(of: .values).filter { !named.contains($0) }
  }

  /// Above the number of every log, segment and value file.
  var nextNumber: UInt64 {
    let highest = names.filter { $0.kind != .manifest }.map(\.number).max() ?? 0
    return highest == .max ? .max : highest + 1
  }

  private func numbers(of kind: FileName.Kind) -> [UInt64] {
    names.filter { $0.kind == kind }.map(\.number)
  }
}
