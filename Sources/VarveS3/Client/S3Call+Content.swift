import VarveFormat
import VarveObjects
import VarvePlatform

extension S3Call {
  /// Gives it a part of some content as its body, with its digest, its CRC-32C and, where asked for, the header
  /// that tells a bucket that. What is sent later is compared with them: by the bucket, by most of them, and
  /// each time here.
  ///
  /// - Throws: `.damaged` where the whole content is sent, and is not what it was before.
  mutating func send(
    _ content: ObjectContent, _ range: Range<UInt64>, checksum wantsChecksum: Bool
  ) throws(ObjectStoreError) {
    let isWhole = range == 0..<content.count
    if isWhole, !wantsChecksum, let known = content.sha256, known.count == SHA256.digestCount {
      (digest, crc32c) = (known, content.crc32c)
    } else {
      let sums = try Self.sums(of: content, range)
      (digest, crc32c) = (sums.digest, sums.crc32c)
      // Read once more, it must be what its name and the manifest say.
      if isWhole, let known = content.sha256, known != digest { throw .changed(object) }
    }
    body = HTTPBody(crc32c.map { content.checked(range, $0, object) } ?? content, range)
    if wantsChecksum, let crc32c {
      headers.set("x-amz-checksum-crc32c", ByteText.base64(crc32c))
    }
  }

  private static func sums(
    of content: ObjectContent, _ range: Range<UInt64>
  ) throws(ObjectStoreError) -> (digest: [UInt8], crc32c: UInt32) {
    var digest = SHA256()
    var checksum = CRC32C()
    var offset = range.lowerBound
    while offset < range.upperBound {
      let end = min(offset + pieceBytes, range.upperBound)
      try content.piece(offset..<end).withByteView { view in
        digest.append(view)
        checksum.append(view)
      }
      offset = end
    }
    return (digest.digest(), checksum.value)
  }

  private static let pieceBytes: UInt64 = 1 << 20
}

extension ObjectStoreError {
  /// Content was read twice, and was not the same.
  static func changed(_ object: String?) -> ObjectStoreError {
    ObjectStoreError(
      .damaged, "what was read to be written has another digest than it had before", object: object)
  }
}

// MARK: - While it is sent

extension ObjectContent {
  /// The same content, of which nobody gets the last piece of `range` where the range's CRC-32C is another: so
  /// no try to send it, the first or a later one, leaves other bytes in a bucket.
  ///
  /// One try at a time, as calls that change something are sent.
  func checked(
    _ range: Range<UInt64>, _ crc32c: UInt32, _ object: String?
  ) -> ObjectContent {
    let progress = Monitor(SendingProgress())
    return ObjectContent(count: count, sha256: sha256, crc32c: self.crc32c) {
      wanted throws(ObjectStoreError) in
      let bytes = try piece(wanted)
      let sum = progress.withLock { $0.add(bytes, wanted, beginning: range.lowerBound) }
      if wanted.upperBound == range.upperBound, let sum, sum != crc32c { throw .changed(object) }
      return bytes
    }
  }
}

/// How far one try to send has come, which reads from the beginning to the end.
private struct SendingProgress {
  private var sum = CRC32C()
  /// Where the next piece begins; nil where pieces were asked for in another order.
  private var next: UInt64?

  /// Adds a piece; returns the checksum so far where all pieces came one behind the other.
  mutating func add(
    _ bytes: [UInt8], _ range: Range<UInt64>, beginning start: UInt64
  ) -> UInt32? {
    if range.lowerBound == start { (sum, next) = (CRC32C(), start) }
    guard range.lowerBound == next else {
      next = nil
      return nil
    }
    bytes.withByteView { sum.append($0) }
    next = range.upperBound
    return sum.value
  }
}
