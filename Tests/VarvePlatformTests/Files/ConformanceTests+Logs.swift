import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

// Logs, and what else is stored into where that is possible.

extension ConformanceTests {
  @Test(arguments: FileSystemKind.ofLogs)
  func aNewLogReadsAsZerosUpToItsCapacity(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      let log = try directory.createLog("log", capacity: 10_000)
      #expect(log.capacity == 10_000)
      #expect(try readAll("log", in: directory) == [UInt8](repeating: 0, count: 10_000))
      try log.append([1, 2, 3], at: 0)
      try log.append([4], at: 3)
      try log.sync()
      #expect(try directory.status(of: "log")?.size == 10_000)
      #expect(try readAll("log", in: directory).prefix(5) == [1, 2, 3, 4, 0])
      try log.append([5, 6], at: 9_999)
      #expect(try directory.status(of: "log")?.size == 10_001)
      try log.truncate(to: 4)
      try log.close()
      #expect(try readAll("log", in: directory) == [1, 2, 3, 4])
      #expect(reason { try log.append([1], at: 4) } == .closed)
    }
  }

  @Test(arguments: FileSystemKind.ofLogs)
  func aLogWithoutCapacityGrows(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      let log = try directory.createLog("log", capacity: 0)
      try log.append([1, 2], at: 0)
      try log.sync()
      #expect(try readAll("log", in: directory) == [1, 2])
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func whatIsStoredIntoAWarmRangeIsThereLikeAWrite(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      let file = try directory.create("file")
      let bytes = file.warmBytes
      #expect(bytes.nonzeroBitCount == 1)
      try file.reserve(3 * bytes)
      try file.write([1, 2, 3], at: 0)
      let range = bytes..<2 * bytes
      let warmed = try file.warmed(range)
      // Not every kernel and disk of a machine can; ours always can.
      #expect(warmed != nil || kind != .simulated)
      guard let warm = warmed else { return }
      #expect(warm.range == range)
      let text: [UInt8] = Array("stored".utf8)
      text.withByteView { bytes in
        warm.store(bytes, at: range.lowerBound)
        warm.store(bytes, at: range.upperBound - 6)
      }
      try file.write([9], at: range.lowerBound + 6)
      try file.sync()
      #expect(try file.size() == range.upperBound)
      let buffer = AlignedBuffer(capacity: 8)
      func read(at offset: UInt64) throws -> [UInt8] {
        try Array(buffer.view(count: file.read(into: buffer, count: 8, at: offset)).array)
      }
      #expect(try read(at: 0) == [1, 2, 3, 0, 0, 0, 0, 0])
      #expect(try read(at: range.lowerBound) == text + [9, 0])
      #expect(try read(at: range.upperBound - 8) == [0, 0] + text)
      let mapped = try directory.map("file", size: range.upperBound)
      #expect(mapped.bytes.dropping(Int(range.lowerBound)).prefix(7).array == text + [9])
    }
  }

  @Test(arguments: FileSystemKind.ofLogs, [0, 7, 40])
  func appendsOfAnySizeStandOneBehindTheOther(
    on kind: FileSystemKind, syncedEvery: Int
  ) throws {
    try kind.withDirectory { directory, _, _ in
      let log = try directory.createLog("log", capacity: 600_000)
      try log.writeHeader([UInt8](repeating: 7, count: 64))
      var expected = [UInt8](repeating: 7, count: 64)
      // Small ones, such as cross what is made ready at a time, and such as are better written.
      for (place, count) in (0..<60).flatMap({ _ in [1, 160, 3000, 20_000, 15] }).enumerated() {
        let piece = (0..<count).map { UInt8(truncatingIfNeeded: $0 &+ place &+ 1) }
        guard expected.count + count <= 590_000 else { break }
        try log.append(piece, at: UInt64(expected.count))
        expected += piece
        if syncedEvery > 0, place % syncedEvery == 0 { try log.sync() }
      }
      #expect(expected.count > 560_000)
      // Seen by everybody before and after it is durable.
      let zeros = [UInt8](repeating: 0, count: 600_000 - expected.count)
      for _ in 0..<2 {
        let isEqual = try readAll("log", in: directory) == expected + zeros
        #expect(isEqual)
        try log.sync()
      }
      try log.truncate(to: UInt64(expected.count))
      try log.close()
      let isEqual = try readAll("log", in: directory) == expected
      #expect(isEqual)
      #expect(reason { try log.append([1], at: 1500) } == .closed)
    }
  }

  /// The second life of a log begins with the bytes of the first behind its header.
  @Test(arguments: FileSystemKind.ofLogs)
  func aSecondLifeOverwritesTheFirstAndNothingElse(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      let first = try directory.createLog("log-1", capacity: 300_000)
      for place in 0..<2000 {
        try first.append([UInt8](repeating: 1, count: 100), at: UInt64(64 + 100 * place))
      }
      try directory.rename("log-1", to: "log-2")
      let log = first.renamed("log-2")
      #expect(log.isReusable == first.isReusable)
      for place in 0..<1500 {
        try log.append([UInt8](repeating: 2, count: 50), at: UInt64(64 + 50 * place))
      }
      let expected =
        [UInt8](repeating: 0, count: 64) + [UInt8](repeating: 2, count: 75_000)
        + [UInt8](repeating: 1, count: 125_000) + [UInt8](repeating: 0, count: 99_936)
      let isEqual = try readAll("log-2", in: directory) == expected
      #expect(isEqual)
      try log.close()
    }
  }

  @Test(arguments: FileSystemKind.ofLogs)
  func aRenamedLogGoesOnUnderItsNewName(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      let log = try directory.createLog("log", capacity: 5000)
      try log.append([1, 2, 3], at: 0)
      try directory.rename("log", to: "again")
      let again = log.renamed("again")
      #expect(again.name == "again" && again.capacity == 5000)
      #expect(try directory.status(of: "log") == nil)
      try again.append([9], at: 1)
      try again.sync()
      #expect(try readAll(again.name, in: directory).prefix(4) == [1, 9, 3, 0])
      try again.close()
    }
  }

  /// Written and stored bytes are the same ones, and a header needs nobody to have made its page
  /// present: its file was at rest for long.
  @Test(arguments: FileSystemKind.ofLogs)
  func aLogBeginsAgainWithAnotherHeader(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      let log = try directory.createLog("log", capacity: 100_000)
      try log.writeHeader([UInt8](repeating: 1, count: 64))
      try log.append([UInt8](repeating: 2, count: 10), at: 64)
      try log.writeHeader([UInt8](repeating: 3, count: 64))
      try log.append([4], at: 64)
      try log.sync()
      let expected = [UInt8](repeating: 3, count: 64) + [4] + [UInt8](repeating: 2, count: 9) + [0]
      #expect(try Array(readAll("log", in: directory).prefix(75)) == expected)
      let mapped = try directory.map("log", size: 100_000)
      #expect(mapped.withBytes { Array($0.array.prefix(75)) } == expected)
      // No page is there any more: a store would end the process.
      try log.truncate(to: 0)
      try log.writeHeader([5, 5])
      #expect(try readAll("log", in: directory) == [5, 5])
      try log.close()
      #expect(reason { try log.writeHeader([1]) } == .closed)
    }
  }
}
