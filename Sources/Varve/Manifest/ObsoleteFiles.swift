import VarveFormat
import VarvePlatform

/// Files that no version names and nobody reads any more, waiting to be removed.
///
/// The last reference to a file may be dropped on any thread, by a reader even; removing is work
/// for the background. What cannot be removed is left: the next opening finds it an orphan.
///
/// A file has several lives at a time where a replica drops it and shows it again, since its bucket went back to an
/// earlier version, while somebody reads the version from before. It goes after the last of them.
final class ObsoleteFiles: Sendable {
  private struct Waiting: Sendable {
    var names: Set<FileName> = []
    /// How many lives each file has.
    var lives: [FileName: Int] = [:]
  }

  private let waiting = Monitor(Waiting())
  private let forgetValueFiles = Monitor<(@Sendable ([UInt64]) -> Void)?>(nil)
  /// Held while files are removed; true once nothing may be removed any more.
  private let removing = Monitor(false)

  /// Sets who is told the numbers of value files before they go.
  func onRemoval(ofValueFiles forget: @escaping @Sendable ([UInt64]) -> Void) {
    forgetValueFiles.withLock { $0 = forget }
  }

  func add(_ name: FileName) { _ = waiting.withLock { $0.names.insert(name) } }

  var isEmpty: Bool { waiting.withLock { $0.names.isEmpty } }

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
    let doomed = waiting.withLock { waiting in
      defer { waiting.names.removeAll() }
      return waiting.names.sorted { $0.description < $1.description }
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

// MARK: - Lives

extension ObsoleteFiles {
  /// A file is needed, perhaps once more: it does not wait to be removed any longer.
  func begin(_ name: FileName) {
    waiting.withLock { waiting in
      waiting.lives[name, default: 0] += 1
      waiting.names.remove(name)
    }
  }

  /// Makes room for the lives of as many files more, which begin next.
  func expect(_ count: Int) {
    waiting.withLock { $0.lives.reserveCapacity($0.lives.count + count) }
  }

  /// Ends what ``begin(_:)`` began. The file waits to be removed where it has no other life.
  ///
  /// - Parameter isObsolete: whether the manifest without the file is durable; else it stays.
  func end(_ name: FileName, isObsolete: Bool) {
    waiting.withLock { waiting in
      let left = (waiting.lives[name] ?? 1) - 1
      waiting.lives[name] = left == 0 ? nil : left
      if left == 0, isObsolete { waiting.names.insert(name) }
    }
  }

  /// Waits for a removal that is under way, which may not know of what began meanwhile. What has a life now is
  /// removed by none from here on.
  func settle() { removing.withLock { _ in } }
}
