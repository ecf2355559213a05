import VarveFormat
import VarvePlatform

/// Reads a manifest file whole and checks every byte of it.
struct ManifestFile {
  let directory: any Directory

  /// Larger than any manifest a store can write; a file beyond it is not read into memory.
  static let largestBytes: UInt64 = 1 << 30

  /// The manifest of that number and the SHA-256 of its file.
  func read(_ number: UInt64) throws(StoreError) -> (Manifest, digest: [UInt8]) {
    let name = FileName(.manifest, number).description
    let bytes: AlignedBuffer
    let count: Int
    do throws(FileSystemError) {
      let file = try directory.open(name)
      let size = try file.size()
      guard size <= Self.largestBytes else {
        throw FileSystemError(
          .read, .size(expected: Self.largestBytes, found: size), path: name)
      }
      bytes = AlignedBuffer(capacity: Int(size))
      count = try file.read(into: bytes, count: Int(size), at: 0)
      try file.close()
    } catch {
      throw StoreError(error)
    }
    let view = bytes.view(count: count)
    do throws(FormatError) {
      let manifest = try Manifest(decoding: view)
      guard manifest.number == number else {
        throw FormatError(.manifest, .value("number"), at: 24)
      }
      return (manifest, SHA256.digest(of: view))
    } catch {
      throw StoreError(error, in: name)
    }
  }
}
