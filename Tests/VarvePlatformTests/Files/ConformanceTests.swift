import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

/// What the engine may rely on, asked of both file systems alike.
@Suite("Both file systems")
struct ConformanceTests {
  @Test(arguments: FileSystemKind.allCases)
  func whatWasWrittenIsRead(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      let file = try directory.create("a")
      try file.write([1, 2, 3], at: 0)
      try file.write([4, 5], at: 2)
      #expect(try file.size() == 4)
      try file.sync()
      try file.close()
      #expect(try readAll("a", in: directory) == [1, 2, 4, 5])
      #expect(try directory.status(of: "a") == FileStatus(size: 4, isRegularFile: true))
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func aWritePastTheEndLeavesZeros(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      let file = try directory.create("a")
      try file.write([7], at: 10_000)
      let bytes = try readAll("a", in: directory)
      #expect(bytes == [UInt8](repeating: 0, count: 10_000) + [7])
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func aReadReturnsLessOnlyAtTheEnd(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      let file = try directory.create("a")
      try file.write([UInt8](0..<100), at: 0)
      let buffer = AlignedBuffer(capacity: 64)
      #expect(try file.read(into: buffer, count: 64, at: 0) == 64)
      #expect(try file.read(into: buffer, count: 64, at: 90) == 10)
      #expect(buffer.view(count: 10).array == [UInt8](90..<100))
      #expect(try file.read(into: buffer, count: 64, at: 100) == 0)
      #expect(try file.read(into: buffer, count: 64, at: 1 << 40) == 0)
      #expect(try file.read(into: buffer, count: 0, at: 0) == 0)
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func anEmptyWriteChangesNothing(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      let file = try directory.create("a")
      try file.write([], at: 50)
      #expect(try file.size() == 0)
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func positionsNoFileCanHaveAreRefused(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      let file = try directory.create("a")
      let buffer = AlignedBuffer(capacity: 8)
      for offset in [UInt64.max, UInt64(Int64.max) + 1, UInt64(Int64.max) - 3] {
        #expect(reason { try file.write([1, 2, 3, 4], at: offset) } == .other)
        #expect(reason { _ = try file.read(into: buffer, count: 8, at: offset) } == .other)
      }
      #expect(reason { try file.truncate(to: .max) } == .other)
      #expect(reason { try file.reserve(.max) } == .other)
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func truncatingCutsAndExtendsWithZeros(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      let file = try directory.create("a")
      try file.write([UInt8](repeating: 9, count: 9000), at: 0)
      try file.truncate(to: 5000)
      #expect(try file.size() == 5000)
      try file.truncate(to: 9000)
      let expected =
        [UInt8](repeating: 9, count: 5000) + [UInt8](repeating: 0, count: 4000)
      #expect(try readAll("a", in: directory) == expected)
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func reservingChangesNothingThatIsSeen(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      let file = try directory.create("a")
      try file.write([1, 2, 3], at: 0)
      try file.reserve(100_000)
      try file.reserve(0)
      #expect(try file.size() == 3)
      #expect(try readAll("a", in: directory) == [1, 2, 3])
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func aFileOpenedForReadingIsNotWritten(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      try directory.create("a").write([1], at: 0)
      let file = try directory.open("a")
      #expect(reason { try file.write([2], at: 0) } == .permission)
      #expect(reason { try file.truncate(to: 0) } == .permission)
      #expect(reason { try file.reserve(10) } == .permission)
      try file.sync()
      try file.dropCache()
      #expect(try readAll("a", in: directory) == [1])
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func aClosedFileRefusesEveryCall(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      let file = try directory.create("a")
      try file.close()
      try file.close()
      let buffer = AlignedBuffer(capacity: 8)
      #expect(reason { _ = try file.size() } == .closed)
      #expect(reason { _ = try file.read(into: buffer, count: 8, at: 0) } == .closed)
      #expect(reason { try file.write([1], at: 0) } == .closed)
      #expect(reason { try file.truncate(to: 0) } == .closed)
      #expect(reason { try file.reserve(1) } == .closed)
      #expect(reason { try file.dropCache() } == .closed)
      #expect(reason { try file.sync() } == .closed)
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func aRemovedFileStaysReadableWhileOpen(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      let file = try directory.create("a")
      try file.write([1, 2, 3], at: 0)
      let mapped = try directory.map("a", size: 3)
      try directory.remove("a")
      #expect(try directory.status(of: "a") == nil)
      let buffer = AlignedBuffer(capacity: 3)
      #expect(try file.read(into: buffer, count: 3, at: 0) == 3)
      #expect(mapped.withBytes(\.array) == [1, 2, 3])
    }
  }
}

// MARK: - Names

extension ConformanceTests {
  @Test(arguments: FileSystemKind.allCases)
  func namesAreListedCreatedRenamedAndRemoved(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      for name in ["a", "b", "c"] {
        try directory.create(name).write(Array(name.utf8), at: 0)
      }
      #expect(try directory.names().sorted() == ["a", "b", "c"])
      try directory.rename("a", to: "d")
      try directory.rename("b", to: "c")
      #expect(try directory.names().sorted() == ["c", "d"])
      #expect(try readAll("c", in: directory) == Array("b".utf8))
      try directory.remove("d")
      try directory.sync()
      #expect(try directory.names() == ["c"])
      #expect(try directory.names() == ["c"])
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func missingAndPresentNamesAreToldApart(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      _ = try directory.create("a")
      #expect(reason { _ = try directory.create("a") } == .exists)
      #expect(reason { _ = try directory.createLog("a", capacity: 10) } == .exists)
      #expect(reason { _ = try directory.open("b") } == .notFound)
      #expect(reason { _ = try directory.map("b", size: 0) } == .notFound)
      #expect(reason { try directory.remove("b") } == .notFound)
      #expect(reason { try directory.rename("b", to: "c") } == .notFound)
      #expect(try directory.status(of: "b") == nil)
    }
  }

  @Test(
    arguments: FileSystemKind.allCases,
    ["", ".", "..", "/", "a/b", "../a", "/tmp", "a\0b", String(repeating: "n", count: 256)])
  func noNameLeavesTheDirectory(on kind: FileSystemKind, name: String) throws {
    try kind.withDirectory { directory, _, _ in
      _ = try directory.create("a")
      #expect(reason { _ = try directory.create(name) } == .wrongKind)
      #expect(reason { _ = try directory.createLog(name, capacity: 1) } == .wrongKind)
      #expect(reason { _ = try directory.open(name) } == .wrongKind)
      #expect(reason { _ = try directory.map(name, size: 0) } == .wrongKind)
      #expect(reason { _ = try directory.status(of: name) } == .wrongKind)
      #expect(reason { _ = try directory.lock(name, isShared: false) } == .wrongKind)
      #expect(reason { try directory.rename("a", to: name) } == .wrongKind)
      #expect(reason { try directory.rename(name, to: "b") } == .wrongKind)
      #expect(reason { try directory.remove(name) } == .wrongKind)
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func aDirectoryIsNotAFile(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, fileSystem, path in
      _ = try fileSystem.openDirectory(at: path + "/inner", create: true)
      #expect(try directory.status(of: "inner")?.isRegularFile == false)
      #expect(reason { _ = try directory.open("inner") } == .wrongKind)
      #expect(reason { _ = try directory.map("inner", size: 0) } == .wrongKind)
      #expect(reason { _ = try directory.lock("inner", isShared: false) } == .wrongKind)
      #expect(reason { try directory.remove("inner") } == .wrongKind)
      _ = try directory.create("a")
      #expect(reason { try directory.rename("a", to: "inner") } == .wrongKind)
      #expect(
        reason { _ = try fileSystem.openDirectory(at: path + "/a", create: false) } == .wrongKind)
      #expect(
        reason { _ = try fileSystem.openDirectory(at: path + "/a", create: true) } == .wrongKind)
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func directoriesAreMadeOnlyWhenAsked(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, fileSystem, path in
      let inner = path + "/inner"
      #expect(reason { _ = try fileSystem.openDirectory(at: inner, create: false) } == .notFound)
      #expect(
        reason { _ = try fileSystem.openDirectory(at: inner + "/x", create: true) } == .notFound)
      let made = try fileSystem.openDirectory(at: inner + "/", create: true)
      let again = try fileSystem.openDirectory(at: inner, create: true)
      #expect(try made.identity == again.identity)
      #expect(try made.identity != directory.identity)
      _ = try made.create("a")
      #expect(try again.names() == ["a"])
      #expect(reason { _ = try fileSystem.openDirectory(at: "", create: true) } == .notFound)
    }
  }
}

// MARK: - Logs, mappings and locks

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

  @Test(arguments: FileSystemKind.allCases)
  func aMappingIsTheWholeFileOrNothing(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      let file = try directory.create("a")
      let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
      try file.write(bytes, at: 0)
      #expect(try directory.map("a", size: 10_000).withBytes(\.array) == bytes)
      for size in [0, 9_999, 10_001, UInt64.max] {
        let error = reason { _ = try directory.map("a", size: size) }
        #expect(error == .size(expected: size, found: 10_000))
      }
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func anEmptyFileMapsToNothing(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      _ = try directory.create("a")
      let mapped = try directory.map("a", size: 0)
      #expect(mapped.bytes.isEmpty)
      #expect(mapped.name == "a")
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func sharedLocksGoTogetherAndKeepAnExclusiveOneOut(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      #expect(reason { _ = try directory.lock("lock", isShared: true) } == .notFound)
      try directory.lock("lock", isShared: false).release()
      let first = try directory.lock("lock", isShared: true)
      let second = try directory.lock("lock", isShared: true)
      #expect(reason { _ = try directory.lock("lock", isShared: false) } == .locked)
      first.release()
      #expect(reason { _ = try directory.lock("lock", isShared: false) } == .locked)
      second.release()
      let alone = try directory.lock("lock", isShared: false)
      #expect(reason { _ = try directory.lock("lock", isShared: true) } == .locked)
      alone.release()
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func aFileOpenedForWritingIsChangedInPlace(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      let made = try directory.create("a")
      try [UInt8](1...9).withByteView { try made.write($0, at: 0) }
      try made.close()
      let file = try directory.openForWriting("a")
      try file.truncate(to: 4)
      try file.sync()
      try file.close()
      #expect(try readAll("a", in: directory) == [1, 2, 3, 4])
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func aLockIsHeldOnceInAProcess(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, fileSystem, path in
      let lock = try directory.lock("lock", isShared: false)
      #expect(reason { _ = try directory.lock("lock", isShared: false) } == .locked)
      let sameDirectory = try fileSystem.openDirectory(at: path, create: false)
      #expect(reason { _ = try sameDirectory.lock("lock", isShared: false) } == .locked)
      let other = try directory.lock("other", isShared: false)
      lock.release()
      lock.release()
      var again: (any FileLock)? = try sameDirectory.lock("lock", isShared: false)
      #expect(reason { _ = try directory.lock("lock", isShared: false) } == .locked)
      withExtendedLifetime(again) {}
      again = nil
      try directory.lock("lock", isShared: false).release()
      other.release()
      #expect(try directory.names().sorted() == ["lock", "other"])
    }
  }
}

/// The reason a call fails for, nil when it does not.
func reason(_ body: () throws -> Void) -> FileSystemError.Reason? {
  do {
    try body()
    return nil
  } catch let error as FileSystemError {
    return error.reason
  } catch {
    Issue.record("another error: \(error)")
    return nil
  }
}
