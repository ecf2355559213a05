import Synchronization
import VarvePlatform

// Names that another process left may not be durable yet: it may have died between a rename and the sync
// behind it. A power cut can lose such a name and keep changes made after it, so they are synced before the
// first change of a name here.

extension GuardedDirectory {
  /// From here on the names that are there count, and another process may have made them.
  func inherit() {
    arrive()
    isInherited.store(true, ordering: .releasing)
  }

  /// Comes before every change of a name.
  func settle() throws(FileSystemError) {
    guard isInherited.load(ordering: .acquiring) else { return }
    try sync()
    isInherited.store(false, ordering: .releasing)
  }
}
