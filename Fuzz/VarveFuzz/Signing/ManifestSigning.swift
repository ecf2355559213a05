import VarveFormat

extension Signed {
  /// Signs a manifest: header, store tag, length of the body and the checksum behind it.
  mutating func signManifest() {
    if isRepaired {
      put(uint64(at: 32), at: 48)
      put(UInt32(truncatingIfNeeded: max(0, count - 76)), at: 64)
      put(UInt32(0), at: 68)
    }
    signHeader(.manifest)
    let end = 72 + Int(uint32(at: 64))
    guard end <= count - 4 else { return }
    let context = [uint64(at: 24), uint64(at: 32), uint64(at: 40)]
    put(checksum(of: 64..<end, after: context), at: end)
  }
}
