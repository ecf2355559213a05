/// Where a block lies, how it is stored, and its checksum: the item of an index node, 32 bytes.
///
/// ```
///  0  offset         u64, from the start of the file
///  8  stored length  u32
/// 12  full length    u32, uncompressed
/// 16  checksum       u32, CRC-32C over (segment id, offset, stored bytes)
/// 20  codec          u8
/// 21  flags          u8, bit 0: eight bytes of sequence number end the separator
/// 22  item count     u16, entries of a data block, blocks of an index leaf; at least 1
/// 24  separator end  u32, in the node's heap; the previous item's end is the start
/// 28  block number   u32, counted from 0 through the segment; of a leaf: its first block's
/// ```
@usableFromInline
package struct BlockHandle: Equatable, Sendable {
  package static let byteCount = 32

  @usableFromInline package var offset: UInt64
  @usableFromInline package var storedCount: UInt32
  package var fullCount: UInt32
  package var checksum: UInt32
  package var codec: Codec
  package var itemCount: UInt16
  package var number: UInt32

  package init(
    offset: UInt64, storedCount: UInt32, fullCount: UInt32, checksum: UInt32, codec: Codec,
    itemCount: UInt16, number: UInt32
  ) {
    self.offset = offset
    self.storedCount = storedCount
    self.fullCount = fullCount
    self.checksum = checksum
    self.codec = codec
    self.itemCount = itemCount
    self.number = number
  }

  /// The offset behind the last stored byte; a decoded handle's cannot overflow.
  @inlinable
  package var end: UInt64 { offset &+ UInt64(storedCount) }
}
