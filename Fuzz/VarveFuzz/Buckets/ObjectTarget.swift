import VarveFormat

extension FuzzTarget {
  /// An object of a bucket, or the file `bucket`, read as what it says it is.
  static let bucket = FuzzTarget("bucket", upTo: 8 << 10, sign: { $0.signObject() }) { bytes in
    let kind = bytes.uint16(at: 10).flatMap(ObjectFrame.Kind.init)
    let number = bytes.uint64(at: 16) ?? 0
    for other in ObjectFrame.Kind.allCases {
      let written = rewritten(bytes, other, named: number)
      promise(written == nil || other == kind, "an object is taken for a \(other)")
      if let written { checkForm(bytes.array, written, other, named: number) }
    }
    for kind in [ObjectFrame.Kind.manifest, .log] {
      let misnamed = rewritten(bytes, kind, named: number &+ 1)
      promise(misnamed == nil, "an object is taken under another name")
    }
  }

  /// What would be written of an object that was read; nil where it was refused.
  private static func rewritten(
    _ bytes: ByteView, _ kind: ObjectFrame.Kind, named number: UInt64
  ) -> [UInt8]? {
    accepted(bytes) { () throws(FormatError) in
      switch kind {
      case .store: try BucketIdentity(decoding: bytes).encoded()
      case .manifest: try BucketManifest(decoding: bytes, named: number).encoded()
      case .pin: try BucketPin(decoding: bytes).encoded()
      case .tie: try BucketTie(decoding: bytes).encoded()
      case .log:
        checked(try BucketLog(decoding: bytes, named: number)).encoded()
      }
    }
  }

  /// Batches follow each other, each with as many entries as it says.
  private static func checked(_ log: BucketLog) -> BucketLog {
    var next = log.batches.first?.first.rawValue ?? 0
    for batch in log.batches {
      promise(batch.first.rawValue == next && batch.count > 0, "a gap between batches")
      next = batch.last.rawValue + 1
      let count = batch.payload.withByteView { try? BatchDecoder($0).count }
      promise(count.map(UInt64.init) == batch.count, "a batch is miscounted")
    }
    promise(log.last.map { $0.rawValue + 1 } ?? 0 == next, "the last entry is another")
    return log
  }

  /// What is accepted has one form, but for fields of versions to come, each of two bytes at least, and
  /// for flags in the header of a version that anybody may ignore.
  private static func checkForm(
    _ read: [UInt8], _ written: [UInt8], _ kind: ObjectFrame.Kind, named number: UInt64
  ) {
    let again = written.withByteView { rewritten($0, kind, named: number) }
    promise(again == written, "an object that was written is not read again")
    if read.count != written.count {
      promise(read.count >= written.count + 2, "an object has a longer form")
    } else if kind != .tie {
      var same = read
      // Flags, the checksum of the header that they are in, and that of the object.
      if kind == .manifest {
        let version = 140
        for place in [version + 16..<version + 24, version + 60..<version + 64] {
          same.replaceSubrange(place, with: written[place])
        }
        same.replaceSubrange(same.count - 4..<same.count, with: written.suffix(4))
      }
      promise(same == written, "an object has another form of the same length")
    }
  }
}
