import VarveFormat
import VarvePlatform

/// What the machine does at best: measured in the same run, with the plainest code there is.
struct Limits {
  /// Copying 1 MiB that lies in the cache and 64 MiB that do not, MB/s.
  let copyCached: Double
  let copyMemory: Double
  /// Copying a record of 136 bytes, ns.
  let copyRecord: Double
  /// One load whose address the last one gave, in 16 KiB and in 256 MiB, ns.
  let cacheHit: Double
  let cacheMiss: Double
  /// A `pread` of 8 KiB that the page cache holds, ns.
  let pread: Double
  /// A `pwrite` of 136 bytes behind the last, into a file prepared for it, ns.
  let pwrite: Double
  /// The same with `fdatasync` behind it, ns.
  let synced: Double

  init(rounds: Int, directory: any Directory) throws {
    copyCached = Self.copy(1 << 20, times: 512, rounds)
    copyMemory = Self.copy(64 << 20, times: 4, rounds)
    copyRecord = Self.copyRecords(rounds)
    cacheHit = Self.chase(16 << 10, rounds)
    cacheMiss = Self.chase(256 << 20, rounds)
    pread = try Self.read(rounds, directory)
    pwrite = try Self.write(rounds, directory, count: 40_000, isSynced: false)
    synced = try Self.write(rounds, directory, count: 100, isSynced: true)
  }

  private static func copy(_ count: Int, times: Int, _ rounds: Int) -> Double {
    let source = AlignedBuffer.filled(count)
    let target = AlignedBuffer.filled(count)
    let nanoseconds = source.lend { source in
      time(rounds: rounds, count: times) {
        for _ in 0..<times { target.copy(source) }
      }
    }
    return Double(count) * 1_000 / nanoseconds
  }

  private static func copyRecords(_ rounds: Int) -> Double {
    let record = AlignedBuffer.filled(136)
    let target = AlignedBuffer.filled(64 << 10)
    let count = 1_000_000
    return record.lend { record in
      time(rounds: rounds, count: count) {
        for index in 0..<count { target.copy(record, to: index % 400 * 144) }
      }
    }
  }

  /// Follows a chain that visits every cache line of `bytes` bytes once, in random order.
  private static func chase(_ bytes: Int, _ rounds: Int) -> Double {
    let lines = bytes / 64
    var numbers = Numbers(seed: 5)
    let order = numbers.permutation(lines)
    let memory = AlignedBuffer(capacity: bytes)
    unsafe memory.withMutableBytes { memory in
      for (place, line) in order.enumerated() {
        let next = order[(place + 1) % lines]
        unsafe memory.storeBytes(of: UInt64(next * 64), toByteOffset: line * 64, as: UInt64.self)
      }
    }
    let count = 1_000_000
    return memory.lend { memory in
      time(rounds: rounds, count: count) {
        var offset: UInt64 = 0
        for _ in 0..<count { offset = memory.uint64(at: Int(offset)) ?? 0 }
        use(offset)
      }
    }
  }

  private static func read(_ rounds: Int, _ directory: any Directory) throws -> Double {
    let file = try directory.create("limit-read")
    defer { try? directory.remove("limit-read") }
    let size = 64 << 20
    try AlignedBuffer.filled(size).lend { try file.write($0, at: 0) }
    let buffer = AlignedBuffer(capacity: 8 << 10)
    var numbers = Numbers(seed: 6)
    let count = 20_000
    return try time(rounds: rounds, count: count) {
      for _ in 0..<count {
        _ = try file.read(
          into: buffer, count: 8 << 10, at: UInt64(numbers.below(size / 8192) * 8192))
      }
    }
  }

  private static func write(
    _ rounds: Int, _ directory: any Directory, count: Int, isSynced: Bool
  ) throws -> Double {
    let name = "limit-write"
    let size = count * 136
    let file = try directory.create(name)
    defer { try? directory.remove(name) }
    // Written once, so that a sync has data to make durable and nothing else; in small pieces, for
    // the page cache keeps a large one together and looks at all of it at each write.
    try AlignedBuffer.filled(4 << 10).lend { piece in
      for offset in stride(from: 0, to: size, by: piece.count) {
        try file.write(piece, at: UInt64(offset))
      }
    }
    try file.sync()
    return try AlignedBuffer.filled(136).lend { record in
      try time(rounds: rounds, count: count) {
        for index in 0..<count {
          try file.write(record, at: UInt64(index * 136))
          if isSynced { try file.sync() }
        }
      }
    }
  }
}
