import VarveFormat
import VarvePlatform

/// Reads and replaces the file `bucket`: what a store on disk knows of its bucket.
struct TieFile {
  let directory: any Directory
  /// What is longer cannot be read again.
  var mostBytes = ObjectFrame.mostBytes

  private static var temporary: String { FileName.bucket + ".new" }

  /// That of the store in the directory `path`; nil where it has no bucket.
  static func read(
    ofStoreAt path: String, on fileSystem: any FileSystem
  ) throws(StoreError) -> BucketTie? {
    let directory: any Directory
    do throws(FileSystemError) {
      directory = try fileSystem.openDirectory(at: path, create: false)
    } catch {
      throw StoreError(opening: path, error)
    }
    return try TieFile(directory: directory).read()
  }

  /// Nil where the store has no bucket.
  func read() throws(StoreError) -> BucketTie? {
    let bytes: [UInt8]
    do throws(FileSystemError) {
      guard try directory.status(of: FileName.bucket) != nil else { return nil }
      let file = try directory.open(FileName.bucket)
      defer { try? file.close() }
      bytes = try file.whole(most: UInt64(mostBytes))
    } catch {
      throw StoreError(error)
    }
    do throws(FormatError) {
      return try bytes.withByteView { view throws(FormatError) in try BucketTie(decoding: view) }
    } catch {
      throw StoreError(error, in: FileName.bucket)
    }
  }

  /// Removes it: the store has no bucket any more when this returns, durably.
  func remove() throws(StoreError) {
    do throws(FileSystemError) {
      try directory.remove(FileName.bucket)
      try directory.sync()
    } catch {
      throw StoreError(error)
    }
  }

  /// Replaces it: durable when this returns, or, where that is not needed, after a power cut either this or what was
  /// there before.
  func write(_ tie: BucketTie, isSettled: Bool = true) throws(StoreError) {
    let bytes = tie.encoded()
    guard bytes.count <= mostBytes else {
      throw StoreError(
        .limit, "what is known of the bucket would take more than \(mostBytes) bytes",
        file: FileName.bucket)
    }
    do throws(FileSystemError) {
      if try directory.status(of: Self.temporary) != nil { try directory.remove(Self.temporary) }
      let file = try directory.create(Self.temporary)
      do throws(FileSystemError) {
        try bytes.withByteView { view throws(FileSystemError) in try file.write(view, at: 0) }
        try file.sync()
        try file.close()
      } catch {
        try? file.close()
        try? directory.remove(Self.temporary)
        throw error
      }
      try directory.rename(Self.temporary, to: FileName.bucket)
      if isSettled { try directory.sync() }
    } catch {
      throw StoreError(error)
    }
  }
}
