import Synchronization
import VarveFormat
import VarvePlatform

/// A live file that is read in pieces, one of many: some keep their descriptor, the others are opened
/// for each read. A process has a thousand descriptors where nobody asked for more, and they are not
/// ours alone.
final class ReadFile: ReadOnlyFile {
  /// Files of all stores of the process that keep a descriptor.
  private static let keptCount = Atomic<Int>(0)
  static let mostKept = 400

  let name: String
  private let directory: any Directory
  /// Nil: opened for each read.
  private let kept: (any File)?
  private let isCounted: Bool
  /// The file where it lies in the bucket.
  let cold: ColdFile?

  /// - Parameter mostKept: files that may keep their descriptor, this one included.
  init(
    _ name: String, in directory: any Directory, mostKept: Int = ReadFile.mostKept
  ) throws(FileSystemError) {
    self.name = name
    self.directory = directory
    let file = try directory.open(name)
    // One that lies in the bucket has none.
    cold = file as? ColdFile
    isCounted = cold == nil && Self.takeDescriptor(of: mostKept)
    kept = cold != nil || isCounted ? file : nil
    if kept == nil { try file.close() }
  }

  deinit {
    // Nothing was written through it.
    try? kept?.close()
    if isCounted { Self.keptCount.subtract(1, ordering: .relaxed) }
  }

  private static func takeDescriptor(of most: Int) -> Bool {
    if keptCount.add(1, ordering: .relaxed).newValue <= most { return true }
    keptCount.subtract(1, ordering: .relaxed)
    return false
  }

  /// Whether it has a descriptor of its own.
  var isKept: Bool { kept != nil }

  func size() throws(FileSystemError) -> UInt64 {
    try use { file throws(FileSystemError) in try file.size() }
  }

  func read(
    into buffer: AlignedBuffer, count: Int, at offset: UInt64
  ) throws(FileSystemError) -> Int {
    try use { file throws(FileSystemError) in
      try file.read(into: buffer, count: count, at: offset)
    }
  }

  func expect(_ range: Range<UInt64>) { kept?.expect(range) }

  func passing() -> any File { cold?.passing() ?? self }

  /// The same for one who checks what is there: on the disk or in the bucket, and not in the cache. Where that
  /// cannot be had, the cache must do.
  func checking() -> any File {
    if let cold { return cold.checking() }
    try? dropCache()
    return self
  }

  func dropCache() throws(FileSystemError) {
    try use { file throws(FileSystemError) in try file.dropCache() }
  }

  func close() throws(FileSystemError) { try kept?.close() }

  private func use<Result>(
    _ body: (any File) throws(FileSystemError) -> Result
  ) throws(FileSystemError) -> Result {
    if let kept { return try body(kept) }
    let file = try directory.open(name)
    // What was read was read.
    defer { try? file.close() }
    return try body(file)
  }
}

extension Directory {
  /// The whole file, mapped; nil where the process has as many mappings as it should.
  func mapped(_ name: String, size: UInt64) throws(FileSystemError) -> MappedFile? {
    do throws(FileSystemError) { return try map(name, size: size) } catch {
      guard error.reason == .tooManyOpen else { throw error }
      return nil
    }
  }
}

extension File {
  /// Whether it lies in a bucket.
  var isCold: Bool { (self as? ReadFile)?.cold != nil || self is ColdFile || self is ColdPassage }
}
