import VarveFormat
import VarveObjects
import VarvePlatform

extension BucketTier {
  private static let pieceBytes: UInt64 = 8 << 20

  /// The files of `version` that are not on this machine.
  func coldFiles(of version: Version) throws(StoreError) -> [LocalFile] {
    var found: [LocalFile] = []
    for file in version.manifest.forBucket.bucketFiles where try !isLocal(file) {
      found.append(file)
    }
    return found
  }

  /// Brings a cold file back, checked against its SHA-256: durable under its name when this returns.
  func fetch(_ file: LocalFile) throws(StoreError) {
    let name = file.name.description
    let temporary = FileName.temporary(file.name)
    guard let place = cold.place(of: name) else {
      throw StoreError(.corrupted, "the file is missing", file: name, offset: 0)
    }
    do throws(FileSystemError) {
      if try tiered.localStatus(of: temporary) != nil { try tiered.removeLocal(temporary) }
      let copy = try directory.create(temporary)
      do throws(FileSystemError) {
        try download(place, to: copy)
        try copy.sync()
        try copy.close()
      } catch {
        try? copy.close()
        try? tiered.removeLocal(temporary)
        throw error
      }
      try directory.rename(temporary, to: name)
      try directory.sync()
      // It is not needed any more, and harmless where it stays.
      try? tiered.removeLocal(ColdEnds.name(of: name))
    } catch {
      throw StoreError(error)
    }
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
