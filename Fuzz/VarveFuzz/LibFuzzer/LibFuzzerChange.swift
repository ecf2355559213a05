import CFuzzer

extension Change {
  /// Changes that libFuzzer makes.
  init(seed: UInt32, limit: Int) {
    self.init(seed: UInt64(seed), limit: limit) { bytes, limit, _ in
      Self.changedByLibFuzzer(bytes, limit)
    }
  }

  private static func changedByLibFuzzer(_ bytes: [UInt8], _ limit: Int) -> [UInt8] {
    let room = max(1, bytes.count, limit)
    return unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
      _ = unsafe buffer.initialize(from: bytes)
      // At most `limit` bytes come out, and so many there is room for.
      count = unsafe min(room, LLVMFuzzerMutate(buffer.baseAddress, bytes.count, max(1, limit)))
    }
  }
}
