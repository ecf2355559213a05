extension BucketTie {
  /// The whole file. The same always makes the same bytes.
  package func encoded() -> [UInt8] {
    let head = self.head?.encoded() ?? []
    let location = Array(self.location.utf8.prefix(Int(UInt16.max)))
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
    ManifestFields().encode(to: &writer)
    let number = self.head?.number ?? 0
    return ObjectFrame(.tie, number: number, storeID: storeID).encoded(writer.bytes)
  }
}
