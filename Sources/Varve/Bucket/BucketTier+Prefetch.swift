import VarveFormat
import VarveObjects
import VarvePlatform

extension BucketTier {
  private static let pieceBytes: UInt64 = 8 << 20

  /// The files of a version that are not on this machine.
  func coldFiles(of manifest: Manifest) throws(StoreError) -> [LocalFile] {
    var found: [LocalFile] = []
    for file in manifest.forBucket.bucketFiles where try !isLocal(file) {
      found.append(file)
    }
    return found
  }

  /// Makes those of `files` durable that came back earlier and whose names may not last, as far as they are here and
  /// `named`, and not named by `head`. Readers go on where they read.
  ///
  /// - Throws: what was wrong with the first one, when all others are durable.
  func settleBrought(
    _ files: [LocalFile], namedBy named: BucketManifest?, andNotBy head: BucketManifest? = nil
  ) throws(StoreError) {
    let (copies, kept) = (named?.copies ?? [:], head?.copies ?? [:])
    let named = files.filter { copies[$0.key] != nil && kept[$0.key] == nil }
    guard !named.isEmpty else { return }
    let flaw = fetching.withLock { _ in
      var flaw: StoreError?
      for file in named {
        do throws(StoreError) {
          try changeFiles { () throws(StoreError) in
            // Asked here: it may be let go until then.
            guard try isLocal(file) else { return }
            try BroughtFiles(directory: directory).settle(file, as: copies[file.key])
          }
        } catch {
          flaw = flaw ?? error
        }
      }
      return flaw
    }
    if let flaw { throw flaw }
  }

  /// Brings a cold file back, checked against its SHA-256 and durable, and calls `body`. False where it is
  /// here already.
  func bring(_ file: LocalFile, then body: () -> Void) throws(StoreError) -> Bool {
    try fetching.withLock { _ throws(StoreError) in
      guard try !isLocal(file) else { return false }
      try download(file, body)
      return true
    }
  }

  /// Replaces a file of this machine by its copy in the bucket, as ``bring(_:then:)`` does.
  func replace(_ file: LocalFile, then body: () -> Void) throws(StoreError) {
    try fetching.withLock { _ throws(StoreError) in try download(file, body) }
  }

  private func download(_ file: LocalFile, _ body: () -> Void) throws(StoreError) {
    let temporary = FileName.temporary(file.name)
    let copy = try changeFiles { () throws(StoreError) in try begin(temporary) }
    do throws(StoreError) {
      try fill(copy, with: file)
      try changeFiles { () throws(StoreError) in
        try settle(temporary, as: file)
        body()
      }
    } catch {
      // Once the store was let go the name may be another's.
      try? changeFiles { () throws(StoreError) in try? tiered.removeLocal(temporary) }
      throw error
    }
  }

  private func begin(_ temporary: String) throws(StoreError) -> any File {
    do throws(FileSystemError) {
      if try tiered.localStatus(of: temporary) != nil { try tiered.removeLocal(temporary) }
      return try directory.create(temporary)
    } catch {
      throw StoreError(error)
    }
  }

  private func fill(_ copy: any File, with file: LocalFile) throws(StoreError) {
    // After an error nothing was promised of it.
    defer { try? copy.close() }
    guard let place = cold.place(of: file.name.description) else {
      throw StoreError(.corrupted, "the file is missing", file: file.name.description, offset: 0)
    }
    do throws(FileSystemError) {
      try download(place, to: copy)
      try copy.sync()
    } catch {
      throw StoreError(error)
    }
  }

  /// Gives a file that came its name, durably. Where the sync fails the mark stays.
  private func settle(_ temporary: String, as file: LocalFile) throws(StoreError) {
    let name = file.name.description
    do throws(FileSystemError) {
      try BroughtFiles(directory: directory).mark(file)
      try directory.rename(temporary, to: name)
      try directory.sync()
    } catch {
      throw StoreError(error)
    }
    // What it keeps is not needed any more, and harmless where it stays.
    try? tiered.removeLocal(ColdEnds.name(of: name))
  }

  private func download(_ place: ColdPlace, to copy: any File) throws(FileSystemError) {
    var digest = SHA256()
    var offset: UInt64 = 0
    while offset < place.size {
      let end = offset + min(Self.pieceBytes, place.size - offset)
      let piece = try cold.fetch(offset..<end, of: place)
      try piece.withByteView { view throws(FileSystemError) in
        digest.append(view)
        try copy.write(view, at: offset)
      }
      offset = end
    }
    guard digest.digest() == place.file.object.digest else {
      throw FileSystemError(
        .read, .remote(.init(.damaged, "the copy in the bucket, \(place.object), is damaged")),
        path: place.file.name.description)
    }
  }
}
