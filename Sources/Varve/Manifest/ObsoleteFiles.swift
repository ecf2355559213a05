import VarveFormat
import VarvePlatform

/// Files that no version names and nobody reads any more, waiting to be removed.
///
/// The last reference to a file may be dropped on any thread, by a reader even; removing is work
/// for the background. What cannot be removed is left: the next opening finds it an orphan.
final class ObsoleteFiles: Sendable {
  private let names = Monitor<[FileName]>([])
  private let forgetValueFiles = Monitor<(@Sendable ([UInt64]) -> Void)?>(nil)
  /// Held while files are removed; true once nothing may be removed any more.
  private let removing = Monitor(false)

  /// Sets who is told the numbers of value files before they go.
  func onRemoval(ofValueFiles forget: @escaping @Sendable ([UInt64]) -> Void) {
    forgetValueFiles.withLock { $0 = forget }
  }

  func add(_ name: FileName) { names.withLock { $0.append(name) } }

  var isEmpty: Bool { names.withLock { $0.isEmpty } }

  /// Removes them all; returns how many went.
  @discardableResult
  func remove(from directory: any Directory) -> Int {
    removing.withLock { isOver in isOver ? 0 : removeAll(from: directory) }
  }

  /// Removes them for the last time: the directory may be somebody else's from here on.
  func finish(in directory: any Directory) {
    removing.withLock { isOver in
      if !isOver { _ = removeAll(from: directory) }
      isOver = true
    }
  }

  private func removeAll(from directory: any Directory) -> Int {
    // In one order, in whatever order their last readers went: simulated runs repeat.
    let doomed = names.withLock { names in
      defer { names.removeAll() }
      return names.sorted { $0.description < $1.description }
    }
    let valueFiles = doomed.filter { $0.kind == .values }.map(\.number)
    if !valueFiles.isEmpty { forgetValueFiles.withLock { $0 }?(valueFiles) }
    var removed = 0
    for name in doomed {
      do {
        try directory.remove(name.description)
        removed += 1
      } catch {
        // It stays as an orphan that the next opening removes; no live file depends on it.
        continue
      }
    }
    return removed
  }
}
