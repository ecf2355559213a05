import VarveFormat

// Inside out: a manifest holds a version, which is a whole manifest file; the file `bucket` holds a manifest.

extension Signed {
  /// Signs an object of a bucket, of the kind that it says it has.
  mutating func signObject() {
    if isRepaired {
      put("VarveObj", at: 0)
      put(UInt16(0), at: 8)
      put(UInt32(0), at: 12)
      put(UInt32(truncatingIfNeeded: max(0, count - 52)), at: 40)
    }
    switch ObjectFrame.Kind(rawValue: uint16(at: 10)) {
    case .manifest: signPart(lengthAt: 136, storeIDAt: 32) { $0.signManifest() }
    case .tie: signHead()
    default: break
    }
    put(checksum(of: 0..<44), at: 44)
    let end = 48 + Int(uint32(at: 40))
    guard end <= count - 4 else { return }
    let context = [UInt64(uint16(at: 10)), uint64(at: 16), uint64(at: 24), uint64(at: 32)]
    put(checksum(of: 48..<end, after: context), at: end)
  }

  private mutating func signHead() {
    let writers = 50 + Int(uint16(at: 48))
    let length = writers + 1 + 16 * Int(byte(at: writers)) + 1
    if isRepaired { put(uint32(at: length) == 0 ? 0 : uint64(at: length + 4 + 16), at: 16) }
    signPart(lengthAt: length, storeIDAt: 24) { $0.signObject() }
  }

  /// Signs what stands behind its length, as far as it is there; its store id is that of the whole.
  private mutating func signPart(
    lengthAt place: Int, storeIDAt idPlace: Int, _ sign: (inout Signed) -> Void
  ) {
    let start = min(count, place + 4)
    let end = min(count, start + Int(uint32(at: place)))
    guard start < end else { return }
    var part = Signed(Array(bytes[start..<end]), isRepaired: isRepaired)
    if isRepaired {
      part.put(uint64(at: 24), at: idPlace)
      part.put(uint64(at: 32), at: idPlace + 8)
    }
    sign(&part)
    replace(with: bytes[..<start] + part.bytes + bytes[end...])
  }
}
