import VarveFormat
import VarvePlatform

/// Reads a manifest file whole and checks every byte of it.
struct ManifestFile {
  let directory: any Directory

  /// Larger than any manifest a store can write; a file beyond it is not read into memory.
  static let largestBytes: UInt64 = 1 << 30

  /// The manifest of that number and the SHA-256 of its file.
  func read(_ number: UInt64) throws(StoreError) -> (Manifest, digest: [UInt8]) {
    try decoded(try bytes(number), number)
  }

  /// All of the file, whatever is in it.
  func bytes(_ number: UInt64) throws(StoreError) -> [UInt8] {
    let name = FileName(.manifest, number).description
    do throws(FileSystemError) {
      let file = try directory.open(name)
      defer { try? file.close() }
      return try file.whole(most: Self.largestBytes)
    } catch {
      throw StoreError(error)
    }
  }

  /// What the bytes of the manifest of that number say.
  func decoded(
    _ bytes: [UInt8], _ number: UInt64
  ) throws(StoreError) -> (Manifest, digest: [UInt8]) {
    do throws(FormatError) {
      return try bytes.withByteView { view throws(FormatError) in
        let manifest = try Manifest(decoding: view)
        guard manifest.number == number else {
          throw FormatError(.manifest, .value("number"), at: 24)
        }
        return (manifest, SHA256.digest(of: view))
      }
    } catch {
      throw StoreError(error, in: FileName(.manifest, number).description)
    }
  }
}

extension Manifest {
  /// A store in which a later version keeps something that this one would not keep right is only read.
  func checkMayWrite() throws(StoreError) {
    let flags = readCompatibleFlags
    guard flags != 0 else { return }
    throw StoreError(
      .incompatible, "a later version wrote the store: it may be read, not written to (\(flags))",
      file: "\(FileName(.manifest, number))", structure: "file header", offset: 16)
  }
}
