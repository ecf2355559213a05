extension BucketTie {
  /// The whole file. The same always makes the same bytes.
  package func encoded() -> [UInt8] {
    let head = self.head?.encoded() ?? []
    let location = locationBytes
    precondition(writers.count <= Self.mostWriters)
    var writer = ByteWriter(reserving: 128 + location.count + head.count)
    writer.uint16(UInt16(location.count))
    writer.append(location)
    writer.uint8(UInt8(writers.count))
    for id in writers {
      writer.uint64(id.low)
      writer.uint64(id.high)
    }
    writer.uint8(state.rawValue)
    writer.uint32(UInt32(head.count))
    writer.append(head)
    var fields = ManifestFields()
    if let apartSince {
      var moment = ByteWriter(reserving: 16)
      moment.uint64(apartSince.manifest)
      moment.uint64(apartSince.last.rawValue)
      fields.append(Self.apartTag, moment.bytes)
    }
    if !uploads.isEmpty { fields.append(Self.uploadsTag, BucketUpload.encoded(uploads)) }
    fields.encode(to: &writer)
    let number = self.head?.number ?? 0
    return ObjectFrame(.tie, number: number, storeID: storeID).encoded(writer.bytes)
  }
  /// Of a longer one than there is room for its first characters: it is for people.
  private var locationBytes: [UInt8] {
    var bytes: [UInt8] = []
    for character in location {
      guard bytes.count + character.utf8.count <= Int(UInt16.max) else { break }
      bytes += Array(character.utf8)
    }
    return bytes
  }
}
