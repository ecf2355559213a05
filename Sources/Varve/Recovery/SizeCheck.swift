import VarveFormat
import VarvePlatform

/// Each file that a manifest names must be there with its size: a missing one is found when the store is
/// opened, and not when somebody reads.
///
/// A look at a file takes the system one to two microseconds, which is half of the time that a store of many
/// files takes to open: two threads look at half of them each.
struct SizeCheck: Sendable {
  private let manifest: Manifest
  private let directory: any Directory

  /// Fewer are looked at sooner than a thread begins.
  private static let sharedCount = 256

  init(of manifest: Manifest, in directory: any Directory) {
    self.manifest = manifest
    self.directory = directory
  }

  /// Throws `.corrupted` for the first file, segments before value files, that is not as it should be.
  ///
  /// - Parameter usesThreads: whether many files may be looked at by two threads.
  func run(usesThreads: Bool) throws(StoreError) {
    let count = manifest.segments.count + manifest.valueFiles.count
    let middle = count / 2
    guard usesThreads, count >= Self.sharedCount,
      let other = OtherHalf.begin(
        "varve-sizes", { () throws(StoreError) in try check(middle..<count) })
    else { return try check(0..<count) }
    let first = Result { () throws(StoreError) in try check(0..<middle) }
    let second = other.finish()
    try first.get()
    try second.get()
  }

  private func check(_ places: Range<Int>) throws(StoreError) {
    for place in places {
      let file = place - manifest.segments.count
      if file < 0 {
        try check(
          .init(.segment, manifest.segments[place].number), is: manifest.segments[place].size)
      } else {
        try check(
          .init(.values, manifest.valueFiles[file].number), is: manifest.valueFiles[file].size)
      }
    }
  }

  private func check(_ file: FileName, is size: UInt64) throws(StoreError) {
    let name = file.description
    let status: FileStatus?
    do throws(FileSystemError) { status = try directory.status(of: name) } catch {
      throw StoreError(error)
    }
    guard let status, status.isRegularFile else {
      throw StoreError(
        .corrupted, "a file that the manifest names is missing", file: name,
        structure: StoreError.wholeFile, offset: 0)
    }
    guard status.size == size else {
      throw StoreError(
        .corrupted, "the size is \(status.size), the manifest says \(size)", file: name,
        structure: StoreError.wholeFile, offset: min(status.size, size))
    }
  }
}
