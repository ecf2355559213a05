package import VarveFormat

/// Who is told what an examination of a segment meets, in the order of reading: header, footer,
/// properties, filter, then leaf after leaf with its blocks.
///
/// Everything that arrives has passed its checksum and its decoder; what did not arrives as
/// `damage`, and the walk goes on with whatever can still be found.
package protocol SegmentVisitor {
  mutating func visit(header: FileHeader)
  mutating func visit(footer: SegmentFooter)
  mutating func visit(properties: SegmentProperties, in section: SegmentSection)
  mutating func visit(filter: Filter, in section: SegmentSection)
  /// The top node (`handle` is nil), then each leaf.
  mutating func visit(node: IndexNode, at handle: BlockHandle?)
  /// Item `index` of `leaf`: a data block, uncompressed. Holds until the call returns.
  mutating func visit(block: DataBlock, at handle: BlockHandle, item index: Int, of leaf: IndexNode)
  mutating func damage(_ error: FormatError)
}
