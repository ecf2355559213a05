/// The name of a keyspace as what tells it from others: its bytes.
///
/// Swift holds two strings to be equal that Unicode calls equivalent, `"é"` and `"e\u{301}"`; the records of two
/// keyspaces with such names have two keys. Spec: directory.md.
package struct KeyspaceName: Hashable, Comparable, Sendable {
  private let bytes: [UInt8]

  package init(_ name: String) { bytes = Array(name.utf8) }

  package static func < (left: KeyspaceName, right: KeyspaceName) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }
}
