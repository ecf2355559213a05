/// What a power cut leaves of everything that no sync made durable.
package enum CrashMode: String, Sendable, CaseIterable {
  /// Nothing.
  case durableOnly
  /// All of it.
  case everything
  /// What was done until some moment, and nothing later.
  case prefix
  /// Any 4-KiB pieces, each as it was at any moment; any entry changes.
  case pages
  /// The same in 512-byte pieces: a page torn in the middle.
  case sectors
  /// All until the last write, of which a part is there and the rest is zero.
  case tornZeros
  /// The rest of the last write is garbage.
  case tornGarbage
  /// The rest of the last write is what was there before.
  case tornOld
  /// Files have their newest size, filled with zeros where no sync reached; all entry changes.
  case sizeWithoutData
  /// All entry changes, and of the files only what was synced.
  case renameWithoutData
  /// All bytes, and of the entry changes only the removals.
  case unlinkWithoutRename
  /// All bytes, and of the entry changes only the renames: a file has its final name, and what was made
  /// before it has none.
  case renamesOnly

  /// Whether the seed changes the outcome.
  package var isRandom: Bool {
    switch self {
    case .prefix, .pages, .sectors, .tornZeros, .tornGarbage, .tornOld: true
    case .durableOnly, .everything, .sizeWithoutData, .renameWithoutData, .unlinkWithoutRename,
      .renamesOnly:
      false
    }
  }
}
