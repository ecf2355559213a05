import CVarveShims
import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What only the machine's own file system can show: links, pipes, modes, other processes.
@Suite("Files of the machine")
struct PosixTests {
  let system = PosixFileSystem()

  @Test func linksAreNotFollowed() throws {
    try FileSystemKind.posix.withDirectory { directory, system, path in
      try directory.create("a").write([1], at: 0)
      unsafe symlink("a", path + "/link")
      #expect(reason { _ = try directory.open("link") } == .wrongKind)
      #expect(reason { _ = try directory.map("link", size: 1) } == .wrongKind)
      #expect(reason { _ = try directory.lock("link", isShared: false) } == .wrongKind)
      #expect(reason { _ = try directory.create("link") } == .exists)
      #expect(try directory.status(of: "link")?.isRegularFile == false)
      unsafe symlink(path, path + "/directory")
      for linked in [path + "/directory", path + "/directory/"] {
        #expect(reason { _ = try system.openDirectory(at: linked, create: false) } == .wrongKind)
        #expect(reason { _ = try system.openDirectory(at: linked, create: true) } == .wrongKind)
      }
    }
  }

  /// The directory whose sync makes a new one's name durable: not another one because of a mark behind a slash.
  @Test(arguments: [
    ("a/b", "a"), ("/a", "/"), ("a", "."), ("a/\u{301}b", "a"), ("\u{600}/b", "\u{600}"),
    ("/\u{301}", "/"),
  ])
  func theParentOfAPathEndsAtTheLastSlash(path: String, parent: String) {
    #expect(Array(PosixFileSystem.parent(of: path).utf8) == Array(parent.utf8))
  }

  @Test func aPipeIsRefusedWithoutWaitingForItsOtherEnd() throws {
    try FileSystemKind.posix.withDirectory { directory, _, path in
      unsafe mkfifo(path + "/pipe", 0o600)
      #expect(reason { _ = try directory.open("pipe") } == .wrongKind)
      #expect(reason { _ = try directory.map("pipe", size: 0) } == .wrongKind)
      #expect(reason { _ = try directory.lock("pipe", isShared: false) } == .wrongKind)
    }
  }

  /// Somebody made the file of nothing but parts: counting them would take long, and is given up.
  @Test func theDataOfVeryManyPartsEndsWithTheFile() throws {
    try FileSystemKind.posix.withDirectory { directory, _, _ in
      let file = try directory.create("a")
      // Farther from each other than any system's unit of allocation.
      for part in 0..<200 { try file.write([1], at: UInt64(part) << 22) }
      try file.truncate(to: 1 << 30)
      #expect(try file.dataEnd() == 1 << 30)
    }
  }

  /// What was stored through a mapping is data before it was ever written to the device.
  @Test func whatWasStoredIntoALogIsData() throws {
    try FileSystemKind.posix.withDirectory { directory, _, _ in
      let log = try directory.createLog("log", capacity: 16 << 20)
      try [UInt8](repeating: 7, count: 64).withByteView { try log.writeHeader($0) }
      try [UInt8](repeating: 7, count: 300_000).withByteView { try log.append($0, at: 64) }
      let end = try directory.open("log").dataEnd()
      #expect(end >= 300_064)
    }
  }

  #if os(Linux)
    /// Where the parent cannot be synced nothing is made: the next try would take it for one that was there before.
    @Test func aDirectoryIsNotMadeInAParentThatCannotBeRead() throws {
      try withTemporaryDirectory { path in
        let parent = path + "/parent"
        unsafe (mkdir(parent, 0o700), chmod(parent, 0o333), chmod(path, 0o755))
        let reasons = Monitor<[FileSystemError.Reason?]>([])
        try asNobody {
          for _ in 0..<2 {
            let found = reason {
              _ = try PosixFileSystem().openDirectory(at: parent + "/store", create: true)
            }
            reasons.withLock { $0.append(found) }
          }
        }
        #expect(reasons.withLock { $0 } == [.permission, .permission])
        #expect(unsafe access(parent + "/store", F_OK) != 0)
        unsafe chmod(parent, 0o700)
      }
    }
  #endif

  @Test func whatIsMadeBelongsToTheUserAlone() throws {
    try withTemporaryDirectory { path in
      let store = path + "/store"
      let directory = try system.openDirectory(at: store, create: true)
      _ = try directory.create("a")
      _ = try directory.createLog("log", capacity: 10)
      try directory.lock("lock", isShared: false).release()
      #expect(mode(store) == 0o700)
      for name in ["a", "log", "lock"] { #expect(mode(store + "/" + name) == 0o600) }
    }
  }

  /// A child has its parent's open files: what it lets go of must not be taken from its parent.
  @Test func aForkedChildReleasesNoLockOfItsParent() throws {
    try withTemporaryDirectory { path in
      let directory = try system.openDirectory(at: path, create: false)
      let lock = try directory.lock("lock", isShared: false)
      let child = systemFork()
      if child == 0 {
        lock.release()
        _exit(0)
      }
      #expect(child > 0)
      var status: Int32 = 0
      while unsafe waitpid(child, &status, 0) < 0, errno == EINTR {}
      let other = unsafe open(path + "/lock", O_RDWR)
      defer { close(other) }
      #expect(other >= 0)
      #expect(flock(other, LOCK_EX | LOCK_NB) != 0)
      lock.release()
      #expect(flock(other, LOCK_EX | LOCK_NB) == 0)
    }
  }

  private func mode(_ path: String) -> mode_t? {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? status.st_mode & 0o777 : nil
  }

  @Test func aMovedDirectoryIsStillTheSame() throws {
    try withTemporaryDirectory { path in
      let directory = try system.openDirectory(at: path + "/a", create: true)
      unsafe rename(path + "/a", path + "/b")
      _ = try directory.create("file")
      let moved = try system.openDirectory(at: path + "/b", create: false)
      #expect(try moved.names() == ["file"])
      #expect(try moved.identity == directory.identity)
    }
  }

  @Test func reservedRoomIsRealRoom() throws {
    try FileSystemKind.posix.withDirectory { directory, _, path in
      try directory.create("a").reserve(1 << 20)
      _ = try directory.createLog("log", capacity: 1 << 20)
      for name in ["a", "log"] {
        var status = stat()
        unsafe stat(path + "/" + name, &status)
        #expect(status.st_blocks * 512 >= 1 << 20)
      }
    }
  }

  @Test func namesThatAreNotTextAreListedAllTheSame() throws {
    try FileSystemKind.posix.withDirectory { directory, _, path in
      var bytes = Array((path + "/x").utf8CString)
      bytes[bytes.count - 2] = CChar(bitPattern: 0xff)
      let file = unsafe creat(bytes, 0o600)
      close(file)
      let names = try directory.names()
      #expect(names == ["\u{fffd}"])
    }
  }

  @Test func callsAndCloseMayMeet() throws {
    try FileSystemKind.posix.withDirectory { directory, _, path in
      for _ in 0..<20 {
        let file = try directory.create("a")
        try file.write([UInt8](repeating: 7, count: 1000), at: 0)
        let readers = try (0..<3).map { number in
          try WorkerThread(name: "reader \(number)") { readUntilClosed(file) }
        }
        try file.close()
        for reader in readers { reader.join() }
        try directory.remove("a")
      }
      #if os(Linux)
        #expect(openPaths(below: path) == [path])
      #endif
    }
  }

  #if os(Linux)
    @Test func nothingStaysOpen() throws {
      try FileSystemKind.posix.withDirectory { directory, system, path in
        let before = openPaths(below: path)
        do {
          let file = try directory.create("a")
          try file.write([1], at: 0)
          _ = try directory.open("a")
          _ = try directory.map("a", size: 1)
          _ = try directory.createLog("log", capacity: 100)
          _ = try directory.lock("lock", isShared: false)
          _ = try directory.names()
          #expect(reason { _ = try directory.map("a", size: 2) } != nil)
          #expect(reason { _ = try directory.open("b") } != nil)
          _ = try system.openDirectory(at: path + "/inner", create: true)
        }
        #expect(openPaths(below: path) == before)
      }
    }

    private func openPaths(below path: String) -> [String] {
      var found: [String] = []
      for number in 0..<1024 {
        var target = [CChar](repeating: 0, count: 4096)
        let count = unsafe readlink("/proc/self/fd/\(number)", &target, target.count)
        let name = String(decoding: target.prefix(max(count, 0)).map(UInt8.init), as: UTF8.self)
        if name.hasPrefix(path) { found.append(name) }
      }
      return found.sorted()
    }

    @Test func aLockHoldsAgainstOtherProcesses() throws {
      try FileSystemKind.posix.withDirectory { directory, _, path in
        let lock = try directory.lock("lock", isShared: false)
        let attempt = ["flock", "-n", path + "/lock", "true"]
        #expect(try ChildProcess(attempt).wait() == 1)
        lock.release()
        #expect(try ChildProcess(attempt).wait() == 0)
      }
    }

    @Test func anotherProcessesLockHoldsAgainstUs() throws {
      try FileSystemKind.posix.withDirectory { directory, _, path in
        let script = "touch \(path)/ready; read line"
        let child = try ChildProcess(["flock", path + "/lock", "sh", "-c", script])
        while try directory.status(of: "ready") == nil { usleep(1000) }
        #expect(reason { _ = try directory.lock("lock", isShared: false) } == .locked)
        child.closeInput()
        #expect(child.wait() == 1)
        try directory.lock("lock", isShared: false).release()
      }
    }

    @Test func childrenInheritNothing() throws {
      try FileSystemKind.posix.withDirectory { directory, _, path in
        let file = try directory.create("a")
        let lock = try directory.lock("lock", isShared: false)
        let search = "! ls -l /proc/self/fd | grep -q \(path)"
        #expect(try ChildProcess(["sh", "-c", search]).wait() == 0)
        withExtendedLifetime((file, lock)) {}
      }
    }
  #endif
}

/// Reads until the file says it is closed; anything but whole bytes or that is a failure.
private func readUntilClosed(_ file: any File) {
  let buffer = AlignedBuffer(capacity: 1000)
  while true {
    do {
      let count = try file.read(into: buffer, count: 1000, at: 0)
      guard count == 1000, buffer.view().byte(at: 999) == 7 else {
        Issue.record("read \(count) bytes of another file")
        return
      }
    } catch {
      if error.reason != .closed { Issue.record("\(error)") }
      return
    }
  }
}

/// The call itself, which Swift does not offer: a child may do little.
@_silgen_name("fork") private func systemFork() -> pid_t
