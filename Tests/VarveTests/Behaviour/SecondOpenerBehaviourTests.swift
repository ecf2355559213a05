import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// One writer or any number of readers: who comes second is told so, in words. (57)
@Suite struct SecondOpenerBehaviourTests {
  private static func check(_ error: StoreError?, names path: String) {
    #expect(error?.code == .locked)
    #expect(error?.file == path)
    guard let message = error?.message else { return }
    #expect(!message.contains("system error") && !message.contains("lock failed"), "\(message)")
    #expect(message.contains("open") && message.contains("close"), "\(message)")
  }

  @Test(arguments: FileSystemKind.allCases)
  func aSecondOpenerInTheSameProcessIsRefused(on kind: FileSystemKind) throws {
    try kind.withTestedStore { tested in
      let store = try tested.open()
      try store.put("a", [1])
      Self.check(try storeFailure { _ = try tested.open() }, names: tested.path)
      Self.check(
        try storeFailure { _ = try tested.open { $0.access = .readOnly } }, names: tested.path)
      Self.check(
        try storeFailure { _ = try StoreVerifier(at: tested.path, on: tested.fileSystem) },
        names: tested.path)
      // Being asked did the first no harm.
      try store.put("b", [2])
      try store.close()
      #expect(try tested.reopenedContent() == ["a": [1], "b": [2]])
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func readersShareAndKeepWritersOut(on kind: FileSystemKind) throws {
    try kind.withTestedStore { tested in
      try tested.open().close()
      let first = try tested.open { $0.access = .readOnly }
      let second = try tested.open { $0.access = .readOnly }
      Self.check(try storeFailure { _ = try tested.open() }, names: tested.path)
      try first.close()
      Self.check(try storeFailure { _ = try tested.open() }, names: tested.path)
      try second.close()
      try tested.open().close()
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func aStoreThatCouldNotBeOpenedIsNotLeftLocked(on kind: FileSystemKind) throws {
    try kind.withTestedStore { tested in
      try tested.open().close()
      let name = try #require(try tested.names(.manifest).last)
      let whole = try tested.bytes(name)
      try tested.replace(name, [])
      for _ in 0..<2 { #expect(try storeFailure { _ = try tested.open() }?.code == .corrupted) }
      try tested.replace(name, whole)
      try tested.open().close()
    }
  }

  /// `flock` is what the store's lock is made of; the program of that name takes it from outside.
  @Test func aSecondOpenerInAnotherProcessIsRefused() throws {
    try FileSystemKind.posix.withTestedStore { tested in
      try tested.open().close()
      let lock = tested.path + "/" + FileName.lock
      // It waits for its turn between our openings, and then holds the lock until its input ends.
      let child = try ChildProcess(["flock", "--exclusive", lock, "cat"])
      var isHeld = false
      let deadline = SystemClock().monotonicNanoseconds() + 30_000_000_000
      while !isHeld, SystemClock().monotonicNanoseconds() < deadline {
        let error = try storeFailure { try tested.open().close() }
        isHeld = error != nil
        if isHeld { Self.check(error, names: tested.path) }
      }
      #expect(isHeld)
      child.closeInput()
      #expect(child.wait() == 0)
      try tested.open().close()
    }
  }

  @Test func anotherProcessFindsAnOpenStoreLocked() throws {
    try FileSystemKind.posix.withTestedStore { tested in
      let store = try tested.open()
      let words = ["flock", "--nonblock", tested.path + "/" + FileName.lock, "true"]
      #expect(try ChildProcess(words).wait() == 1)
      try store.close()
      #expect(try ChildProcess(words).wait() == 0)
    }
  }
}
