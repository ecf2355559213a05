import VarveFormat

/// A number over everything that a run was told, in order: equal for equal seeds, or something in the run is
/// decided by chance.
package struct TraceHash: Sendable {
  package private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  package init() {}

  package mutating func note(_ number: UInt64) {
    value = (value ^ number) &* 0x9e37_79b9_7f4a_7c15
    value ^= value >> 29
  }

  package mutating func note(_ number: Int) { note(UInt64(bitPattern: Int64(number))) }

  package mutating func note(_ bytes: [UInt8]) { note(bytes.withByteView(XXH64.hash(of:))) }

  package mutating func note(_ bytes: [UInt8]?) {
    if let bytes { note(bytes) } else { note(-1) }
  }
}
