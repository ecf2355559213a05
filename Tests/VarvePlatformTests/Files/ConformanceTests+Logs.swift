import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

// Logs, and what else is stored into where that is possible.

extension ConformanceTests {
  @Test(arguments: FileSystemKind.allCases)
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

  @Test(arguments: FileSystemKind.allCases)
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
      try file.reserve(6 << 20)
      try file.write([1, 2, 3], at: 0)
      let range: Range<UInt64> = 2 << 20..<4 << 20
      guard let warm = try file.warmed(range) else { return }
      #expect(warm.range == range)
      let text: [UInt8] = Array("stored".utf8)
      text.withByteView { bytes in
        warm.store(bytes, at: range.lowerBound)
        warm.store(bytes, at: range.upperBound - 6)
      }
      try file.write([9], at: range.lowerBound + 6)
      try file.sync()
      #expect(try file.size() == 4 << 20)
      let buffer = AlignedBuffer(capacity: 8)
      func read(at offset: UInt64) throws -> [UInt8] {
        try Array(buffer.view(count: file.read(into: buffer, count: 8, at: offset)).array)
      }
      #expect(try read(at: 0) == [1, 2, 3, 0, 0, 0, 0, 0])
      #expect(try read(at: range.lowerBound) == text + [9, 0])
      #expect(try read(at: range.upperBound - 8) == [0, 0] + text)
      let mapped = try directory.map("file", size: 4 << 20)
      #expect(mapped.bytes.dropping(2 << 20).prefix(7).array == text + [9])
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func aWarmLogTakesTheSameAppends(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      let log = try directory.createLog("log", capacity: 200_000).warmedUp(from: 0)
      #expect(log.capacity == 200_000)
      #expect(try readAll("log", in: directory) == [UInt8](repeating: 0, count: 200_000))
      let piece = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
      for place in 0..<200 { try log.append(piece, at: UInt64(1000 * place)) }
      try log.sync()
      let expected = (0..<200).flatMap { _ in piece }
      let isEqual = try readAll("log", in: directory) == expected
      #expect(isEqual)
      try log.truncate(to: 1500)
      try log.close()
      #expect(try readAll("log", in: directory).count == 1500)
      #expect(reason { try log.append([1], at: 1500) } == .closed)
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func aRenamedLogGoesOnUnderItsNewName(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      for isWarm in [false, true] {
        let name = "log-\(isWarm)"
        var log = try directory.createLog(name, capacity: 5000)
        if isWarm { log = try log.warmedUp(from: 64) }
        try log.append([1, 2, 3], at: 0)
        try directory.rename(name, to: "again-\(isWarm)")
        let again = log.renamed("again-\(isWarm)")
        #expect(again.name == "again-\(isWarm)" && again.capacity == 5000)
        #expect(again.isWarm == log.isWarm)
        #expect(try directory.status(of: name) == nil)
        try again.append([9], at: 1)
        try again.sync()
        #expect(try readAll(again.name, in: directory).prefix(4) == [1, 9, 3, 0])
        try again.close()
      }
    }
  }

  /// Written and stored bytes are the same ones, and a header needs nobody to have made its page
  /// present: its file was at rest for long.
  @Test(arguments: FileSystemKind.allCases, [false, true])
  func aLogBeginsAgainWithAnotherHeader(on kind: FileSystemKind, isWarm: Bool) throws {
    try kind.withDirectory { directory, _, _ in
      var log = try directory.createLog("log", capacity: 100_000)
      try log.writeHeader([UInt8](repeating: 1, count: 64))
      if isWarm { log = try log.warmedUp(from: 64) }
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
