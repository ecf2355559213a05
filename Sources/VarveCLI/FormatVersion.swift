import VarveFormat

/// The version of the file format that this program writes.
enum FormatVersion {
  static let current = FileHeader.currentVersion
}
