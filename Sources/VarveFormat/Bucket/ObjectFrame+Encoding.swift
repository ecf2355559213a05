extension ObjectFrame {
  /// The whole object around `body`. One of more than ``mostBytes`` nobody can read: whoever writes it asks first.
  func encoded(_ body: [UInt8]) -> [UInt8] {
    precondition(body.count <= UInt32.max)
    var writer = ByteWriter(reserving: Self.byteCount + body.count + 4)
    writer.append(Self.magic)
    writer.uint16(Self.currentVersion)
    writer.uint16(kind.rawValue)
    writer.uint32(0)
    writer.uint64(number)
    writer.uint64(storeID.low)
    writer.uint64(storeID.high)
    writer.uint32(UInt32(body.count))
    writer.uint32(writer.bytes.withByteView(CRC32C.checksum(of:)))
    writer.append(body)
    writer.uint32(body.withByteView { checksum(of: $0) })
    return writer.bytes
  }
}
