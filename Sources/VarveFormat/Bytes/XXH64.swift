import CVarveShims

/// XXH64 with seed 0: the hash of engine keys in filters and key tags.
///
/// Fast and well spread, but not made against adversaries and never used as a checksum.
package enum XXH64 {
  package static func hash(of view: ByteView) -> UInt64 {
    unsafe varve_xxh64(view.start, view.count)
  }
}
