import VarveFormat
import VarvePlatform

/// Files that came back from the bucket and whose names may not be durable: a sync behind them failed, after which no
/// later one may make up for it. As long as the file `bucket` names their copies a power cut only leaves them cold.
/// Before it goes, or names them no more, they are made anew. Spec: bucket.md, "On disk".
///
/// ```
///   brought    .tail is there ──> renamed to its name ──> directory synced ──> .tail goes
///   settled    a file beside its .tail ──> copied, synced ──> renamed over itself ──> synced ──> .tail goes
/// ```
///
/// A `.tail` that stayed for another reason costs a copy of its file; so does one that a power cut left, behind which
/// what is seen is durable.
struct BroughtFiles {
  private static let pieceBytes: UInt64 = 8 << 20

  let directory: any Directory

  /// Sees to it that a file which is about to get its name has a mark: what is kept of it, or nothing at all.
  func mark(_ file: LocalFile) throws(FileSystemError) {
    let mark = ColdEnds.name(of: file.name.description)
    guard try directory.status(of: mark) == nil else { return }
    try directory.create(mark).close()
  }

  /// Makes the name of `file`, which is on this machine, durable. A look at the directory; nothing else where it has
  /// no mark.
  ///
  /// - Parameter object: the copy that it must be, where that is known.
  /// - Throws: `.full` where a copy has no room; `.corrupted` where the file is not its copy. All is as it was then.
  func settle(_ file: LocalFile, as object: BucketObject?) throws(StoreError) {
    let mark = ColdEnds.name(of: file.name.description)
    do throws(FileSystemError) {
      guard try directory.status(of: mark) != nil else { return }
      try copy(file, object?.digest)
      try directory.sync()
    } catch {
      throw StoreError(error)
    }
    // One that stays costs another copy.
    try? directory.remove(mark)
  }

  /// Puts a file in its own place. Renaming it away and back would lose it for a moment, and the bucket, from which it
  /// could be had again, may be gone.
  private func copy(_ file: LocalFile, _ digest: [UInt8]?) throws(FileSystemError) {
    let (name, temporary) = (file.name.description, FileName.temporary(file.name))
    if try directory.status(of: temporary) != nil { try directory.remove(temporary) }
    let copy = try directory.create(temporary)
    // After an error nothing was promised of it.
    defer { try? copy.close() }
    do throws(FileSystemError) {
      try fill(copy, with: file, digest)
      try copy.sync()
      try directory.rename(temporary, to: name)
    } catch {
      try? directory.remove(temporary)
      throw error
    }
  }

  private func fill(
    _ copy: any File, with file: LocalFile, _ expected: [UInt8]?
  ) throws(FileSystemError) {
    let source = try directory.open(file.name.description)
    defer { try? source.close() }
    let size = try source.size()
    guard size == file.size else {
      throw FileSystemError(
        .read, .size(expected: file.size, found: size), path: file.name.description)
    }
    var digest = SHA256()
    var offset: UInt64 = 0
    while offset < file.size {
      let end = offset + min(Self.pieceBytes, file.size - offset)
      let piece = try source.bytes(offset..<end)
      guard piece.count == Int(end - offset) else {
        throw FileSystemError(.read, .short, path: file.name.description)
      }
      try piece.withByteView { view throws(FileSystemError) in
        digest.append(view)
        try copy.write(view, at: offset)
      }
      offset = end
    }
    guard expected.map({ $0 == digest.digest() }) ?? true else {
      throw FileSystemError(
        .read, .remote(.init(.damaged, "the file is not what its copy in the bucket is")),
        path: file.name.description)
    }
  }
}
