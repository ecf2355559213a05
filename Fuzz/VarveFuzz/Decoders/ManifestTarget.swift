import VarveFormat

extension FuzzTarget {
  /// A manifest, whole.
  static let manifest = FuzzTarget("manifest", upTo: 8 << 10, sign: { $0.signManifest() }) {
    bytes in
    let found = accepted(bytes) { () throws(FormatError) in try Manifest(decoding: bytes) }
    guard let found else { return }
    let encoded = found.encoded()
    checkCanonical(bytes.array, encoded)
    let again = encoded.withByteView { written in
      accepted(written) { () throws(FormatError) in
        try Manifest(decoding: written, named: found.number)
      }
    }
    promise(again == found, "a manifest that was read is not read again")
    let misnamed = accepted(bytes) { () throws(FormatError) in
      try Manifest(decoding: bytes, named: found.number &+ 1)
    }
    promise(misnamed == nil, "a manifest is taken under another name")
  }
}

/// What is accepted has one form, but for fields of versions to come that may be passed over: they are not
/// written again, and each takes a tag and a length at least, and for flags of the header that anybody may
/// ignore. Up to the first list no field can stand.
private func checkCanonical(_ read: [UInt8], _ written: [UInt8]) {
  let header = FileHeader.byteCount
  let isSame = read.count == written.count && read[header...] == written[header...]
  promise(isSame || read.count >= written.count + 2, "a manifest has more than one form")
  // Flags, the header's checksum and the length of the body, which fields make longer, stand between.
  let lists = header + 8 + 32 + 4 * 8 + 1
  for range in [0..<20, 24..<60, header + 4..<lists] {
    promise(read[range] == written[range], "what is fixed in a manifest has more than one form")
  }
}
