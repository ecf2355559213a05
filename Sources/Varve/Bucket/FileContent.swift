import VarveFormat
import VarveObjects
import VarvePlatform

/// A sealed file on its way into the bucket: read twice, for its digest and to be sent, and never held.
struct FileContent {
  private static let pieceBytes: UInt64 = 1 << 20

  private let file: any File
  private let local: LocalFile
  /// What was wrong with the file while it was sent.
  private let failed = Monitor<StoreError?>(nil)
  /// Of all of it, as it was when the digest was taken: parts that are sent are compared with it.
  private let checksum = Monitor<UInt32?>(nil)

  init(_ local: LocalFile, in directory: any Directory) throws(StoreError) {
    self.local = local
    do throws(FileSystemError) {
      file = try directory.open(local.name.description)
      let size = try file.size()
      guard size == local.size else {
        throw FileSystemError(
          .read, .size(expected: local.size, found: size), path: local.name.description)
      }
    } catch {
      throw StoreError(error)
    }
  }

  /// SHA-256 of the file. Its CRC-32C is remembered for ``content(digest:)``.
  func digest() throws(StoreError) -> [UInt8] {
    var digest = SHA256()
    var sum = CRC32C()
    let buffer = AlignedBuffer(capacity: Int(Self.pieceBytes))
    var offset: UInt64 = 0
    while offset < local.size {
      let wanted = Int(min(Self.pieceBytes, local.size - offset))
      let found: Int
      do throws(FileSystemError) {
        found = try file.read(into: buffer, count: wanted, at: offset)
      } catch {
        throw StoreError(error)
      }
      guard found == wanted else { throw StoreError(Self.short(local)) }
      let view = buffer.view(count: found)
      digest.append(view)
      sum.append(view)
      offset += UInt64(found)
    }
    checksum.withLock { [sum] in $0 = sum.value }
    return digest.digest()
  }

  /// Bytes at the end that a reader needs before it reads a block or a value.
  func tailBytes() throws(StoreError) -> UInt64 {
    guard local.kind == .segment else {
      return min(local.size, UInt64(ValueRecord.headerBytes))
    }
    let count = min(local.size, UInt64(SegmentFooter.maximumByteCount))
    do throws(FileSystemError) {
      let header = try file.bytes(0..<UInt64(FileHeader.byteCount))
      let end = try file.bytes(local.size - count..<local.size)
      return try Self.tailBytes(header, end, local)
    } catch {
      throw StoreError(error)
    }
  }

  private static func tailBytes(
    _ header: [UInt8], _ end: [UInt8], _ local: LocalFile
  ) throws(FileSystemError) -> UInt64 {
    // A damaged file is put as it is: whoever reads it is told. Its tail is then no more than a guess.
    let start = try? header.withByteView { header throws(FormatError) in
      let id = try FileHeader(decoding: header, as: .segment).identity
      return try end.withByteView { end throws(FormatError) in
        try SegmentFooter(decoding: end, fileSize: local.size, id: id).required(.dataBlocks).end
      }
    }
    let tail = local.size - min(local.size, (start ?? local.size) & ~63)
    // As much as is looked at for the footer, which may be more than there is behind the blocks.
    let whole = min(local.size, max(tail, UInt64(SegmentFooter.maximumByteCount)))
    return min(whole, BucketObject.mostTailBytes)
  }

  /// The same file to be sent.
  func content(digest: [UInt8]) -> ObjectContent {
    ObjectContent(count: local.size, sha256: digest, crc32c: checksum.withLock { $0 }) {
      [file, local] range throws(ObjectStoreError) in
      do throws(FileSystemError) {
        let bytes = try file.bytes(range)
        guard bytes.count == range.count else { throw Self.short(local) }
        return bytes
      } catch {
        failed.withLock { $0 = StoreError(error) }
        throw ObjectStoreError(.invalid, error.description, object: local.name.description)
      }
    }
  }

  /// Why the file could not be read while it was sent; nil where it could.
  var failure: StoreError? { failed.withLock { $0 } }

  private static func short(_ local: LocalFile) -> FileSystemError {
    FileSystemError(.read, .short, path: local.name.description)
  }
}
