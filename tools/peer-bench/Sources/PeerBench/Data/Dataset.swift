/// The keys and values of a comparison; keys ascend with their index.
///
/// Made ones are computed when they are laid out, so that a run which only reads holds no values of
/// its own.
struct Dataset {
  enum Source {
    /// Keys of 16 digits; values of so many bytes.
    case made(valueBytes: Int)
    /// Real records, from files.
    case stored(keys: ByteTable, values: ByteTable)
  }

  let count: Int
  private let source: Source

  init(count: Int, valueBytes: Int) {
    self.count = count
    source = .made(valueBytes: valueBytes)
  }

  init(keys: ByteTable, values: ByteTable) {
    precondition(keys.count == values.count)
    count = keys.count
    source = .stored(keys: keys, values: values)
  }

  static let madeKeyBytes = 16

  /// Bytes of all keys and values.
  var byteCount: Int {
    switch source {
    case .made(let valueBytes): count * (Self.madeKeyBytes + valueBytes)
    case .stored(let keys, let values): keys.byteCount + values.byteCount
    }
  }

  /// Bytes of a usual value.
  var valueBytes: Int {
    switch source {
    case .made(let valueBytes): valueBytes
    case .stored(_, let values): values.byteCount / max(1, count)
    }
  }
}

// MARK: - Laying out

extension Dataset {
  func placeKey(_ index: Int, in arena: ByteArena) -> Bytes {
    switch source {
    case .made: Self.placeDigits(2 * index, in: arena)
    case .stored(let keys, _): keys[index]
    }
  }

  /// A key that is not there and lies between those that are.
  func placeAbsentKey(_ index: Int, in arena: ByteArena) -> Bytes {
    switch source {
    case .made:
      return Self.placeDigits(2 * index + 1, in: arena)
    case .stored(let keys, _):
      let key = keys[index]
      return arena.place(key.count + 1) { room in
        room.copyMemory(from: key)
        // No package's name ends so.
        room[key.count] = UInt8(ascii: "~")
      }
    }
  }

  /// - Parameter generation: another one gives the same key another value: writing the same again
  ///   could be skipped by a clever engine.
  func placeValue(_ index: Int, generation: Int = 0, in arena: ByteArena) -> Bytes {
    switch source {
    case .made(let size):
      let seed = UInt64(truncatingIfNeeded: (generation &* count &+ index) &* 0x1_0003 &+ size)
      return arena.place(size) { Self.writeHalfCompressible(seed, to: $0) }
    case .stored(_, let values):
      return values[(index + generation) % count]
    }
  }

  private static func placeDigits(_ number: Int, in arena: ByteArena) -> Bytes {
    arena.place(madeKeyBytes) { room in
      var rest = number
      for place in room.indices.reversed() {
        room[place] = UInt8(ascii: "0") + UInt8(rest % 10)
        rest /= 10
      }
    }
  }

  /// Random in the first half, which the second repeats.
  private static func writeHalfCompressible(
    _ seed: UInt64, to room: UnsafeMutableRawBufferPointer
  ) {
    var random = SeededRandom(seed)
    let half = room.count / 2
    var place = 0
    while place < half {
      var word = random.next()
      for _ in 0..<min(8, half - place) {
        room[place] = UInt8(truncatingIfNeeded: word)
        word >>= 8
        place += 1
      }
    }
    for place in half..<room.count { room[place] = room[place - half] }
  }
}
