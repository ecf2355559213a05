import VarveFormat

extension FuzzTarget {
  /// A manifest, whole.
  static let manifest = FuzzTarget("manifest", upTo: 8 << 10, sign: { $0.signManifest() }) {
    bytes in
    let found = accepted(bytes) { () throws(FormatError) in try Manifest(decoding: bytes) }
    guard let found else { return }
    let again = found.encoded().withByteView { written in
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
