/// A copy that a machine put into its bucket and that no manifest names yet. Spec: bucket.md, "On disk".
package struct BucketUpload: Hashable, Sendable {
  package var file: BucketFile
  /// The file's own id: of the number alone there may be two.
  package var id: FileID

  package init(_ file: BucketFile, id: FileID) {
    self.file = file
    self.id = id
  }

  static let smallestBytes = 1 + 1 + 16 + BucketObject.smallestBytes

  func encode(to writer: inout ByteWriter) {
    writer.uint8(file.kind.rawValue)
    writer.varint(file.number)
    writer.uint64(id.low)
    writer.uint64(id.high)
    file.object.encode(to: &writer)
  }

  init(_ reader: inout ByteReader) throws(FormatError) {
    let start = reader
    guard let kind = BucketFile.Kind(rawValue: try reader.uint8()) else {
      throw start.error(.value("kind"))
    }
    let number = try reader.varint()
    guard 1..<Limits.fileNumber ~= number else { throw start.error(.limit("file number")) }
    id = FileID(low: try reader.uint64(), high: try reader.uint64())
    let object = try BucketObject(&reader)
    guard 1...Limits.fileNumber ~= object.epoch else { throw start.error(.limit("epoch")) }
    guard object.tailBytes <= BucketObject.mostTailBytes else { throw start.error(.limit("tail")) }
    file = BucketFile(kind, number, object)
  }
}

extension BucketUpload {
  /// The bytes of a field that holds `uploads`.
  static func encoded(_ uploads: [BucketUpload]) -> [UInt8] {
    var writer = ByteWriter(reserving: 8 + uploads.count * 64)
    writer.varint(UInt64(uploads.count))
    for upload in uploads { upload.encode(to: &writer) }
    return writer.bytes
  }

  /// Reads such a field; its errors stand where `place` is.
  static func decoded(_ bytes: [UInt8], at place: ByteReader) throws(FormatError) -> [BucketUpload]
  {
    do throws(FormatError) {
      return try bytes.withByteView { view throws(FormatError) in
        var reader = ByteReader(view, .bucketTie)
        var uploads: [BucketUpload] = []
        for _ in 0..<(try reader.count(ofItemsOf: smallestBytes, "upload count")) {
          uploads.append(try BucketUpload(&reader))
        }
        try reader.end()
        return uploads
      }
    } catch {
      throw place.error(.value("uploads"))
    }
  }
}
