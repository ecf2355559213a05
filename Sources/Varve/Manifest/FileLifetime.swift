import Synchronization
import VarveFormat

/// Ends a file's life when its last user is gone, if a durable manifest has dropped it.
///
/// Versions, snapshots and readers hold the file's handle, and the handle holds this. Nothing is
/// removed before `isObsolete` was set, which happens only after the manifest without the file is
/// durable; nor while the file has another life (``ObsoleteFiles``).
final class FileLifetime: Sendable {
  let name: FileName
  private let isObsolete = Atomic<Bool>(false)
  private let obsoleteFiles: ObsoleteFiles

  init(_ name: FileName, obsoleteFiles: ObsoleteFiles) {
    self.name = name
    self.obsoleteFiles = obsoleteFiles
    obsoleteFiles.begin(name)
  }

  /// The manifest without this file is durable.
  func markObsolete() { isObsolete.store(true, ordering: .releasing) }

  deinit { obsoleteFiles.end(name, isObsolete: isObsolete.load(ordering: .acquiring)) }
}
