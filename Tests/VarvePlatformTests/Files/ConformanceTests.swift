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
      let status = try #require(try directory.status(of: "a"))
      #expect(status.size == 4 && status.isRegularFile)
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

  /// Where a file's data ends: behind it nothing but zeros may be found, whatever the system knows.
  @Test(arguments: FileSystemKind.allCases)
  func behindTheEndOfDataThereAreOnlyZeros(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      let file = try directory.create("a")
      #expect(try file.dataEnd() == 0)
      try file.write([1], at: 0)
      #expect(try file.dataEnd() == 1)
      try file.truncate(to: 8 << 20)
      try file.reserve(8 << 20)
      // Where holes are not known of, or not while the file is dirty, it is the size.
      #expect((1...8 << 20).contains(try file.dataEnd()))
      try file.write([1], at: 5 << 20)
      #expect((5 << 20 + 1...8 << 20).contains(try file.dataEnd()))
      try file.write([1], at: (8 << 20) - 1)
      #expect(try file.dataEnd() == 8 << 20)
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
  func aNewNameReplacesNothing(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      for (name, byte) in [("a", UInt8(1)), ("b", 2)] {
        let file = try directory.create(name)
        try file.write([byte], at: 0)
        try file.close()
      }
      #expect(reason { try directory.renameNew("a", to: "b") } == .exists)
      #expect(try readAll("a", in: directory) == [1])
      #expect(try readAll("b", in: directory) == [2])
      try directory.renameNew("a", to: "c")
      #expect(try directory.names().sorted() == ["b", "c"])
      #expect(try readAll("c", in: directory) == [1])
      #expect(reason { try directory.renameNew("a", to: "d") } == .notFound)
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

// MARK: - Mappings and locks

extension ConformanceTests {
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
