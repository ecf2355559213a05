import Synchronization
import Testing
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

@Suite struct DirectoryObjectStoreTests {
  @Test func ofManyWhoRaceOneWins() throws {
    try withTemporaryDirectory { path in
      let store = try DirectoryObjectStore(path: path)
      let name = try #require(ObjectName("manifest/1"))
      let won = Atomic(0)
      let lost = Atomic(0)
      let threads = try (0..<8).map { number in
        try WorkerThread(name: "racer") {
          let content = ObjectContent([UInt8](repeating: UInt8(number), count: 1000))
          do throws(ObjectStoreError) {
            _ = try store.put(name, content, if: .absent, class: nil)
            won.add(1, ordering: .relaxed)
          } catch {
            if error.code == .exists { lost.add(1, ordering: .relaxed) }
          }
        }
      }
      for thread in threads { thread.join() }
      #expect(won.load(ordering: .relaxed) == 1 && lost.load(ordering: .relaxed) == 7)
    }
  }

  /// Cut the power at every call of a put: what returned is there, what did not is there whole or not.
  @Test(arguments: [PutCondition.always, .absent])
  func aPutIsDurableAndWhole(_ condition: PutCondition) throws {
    let name = try #require(ObjectName("seg/00/a"))
    let bytes = [UInt8](repeating: 5, count: 10_000)
    var step = 1
    while true {
      let disk = SimulatedFileSystem()
      disk.crash(atStep: step)
      var isDone = false
      if let store = try? Self.store(on: disk) {
        isDone = (try? store.put(name, ObjectContent(bytes), if: condition, class: nil)) != nil
      }
      for mode in CrashMode.allCases {
        let again = try Self.store(on: disk.crashImage(mode, seed: UInt64(step)))
        let found = try? again.read(name, .bytes(offset: 0, count: 1 << 20)).bytes
        #expect(found == bytes || found == nil && !isDone, "step \(step), \(mode)")
        #expect(try again.list("", after: nil, limit: 10).entries.count <= 1)
      }
      if isDone { break }
      step += 1
    }
    #expect(step > 5)
  }

  /// A mount that is away takes everything with it: nothing is said to be missing, and nothing is made below.
  @Test(arguments: [false, true]) func aDirectoryThatIsGoneIsUnavailable(isReplaced: Bool) throws {
    try withTemporaryDirectory { path in
      let store = try DirectoryObjectStore(path: path + "/bucket")
      let names = ["top", "seg/00/a", "other/b"].compactMap(ObjectName.init)
      _ = try store.put(names[1], ObjectContent([1]), if: .always, class: nil)
      #expect(unsafe rename(path + "/bucket", path + "/away") == 0)
      if isReplaced { #expect(unsafe mkdir(path + "/bucket", 0o700) == 0) }
      func code(_ body: () throws(ObjectStoreError) -> Void) -> ObjectStoreError.Code? {
        do throws(ObjectStoreError) { try body() } catch { return error.code }
        return nil
      }
      for name in [names[0], names[2]] {
        #expect(
          code { () throws(ObjectStoreError) in
            _ = try store.read(name, .bytes(offset: 0, count: 1))
          } == .unavailable)
        #expect(
          code { () throws(ObjectStoreError) in _ = try store.status(of: name) } == .unavailable)
      }
      #expect(
        code { () throws(ObjectStoreError) in _ = try store.list("other/", after: nil, limit: 9) }
          == .unavailable)
      let content = ObjectContent([1])
      #expect(
        code { () throws(ObjectStoreError) in
          _ = try store.put(names[2], content, if: .absent, class: nil)
        } == .unavailable)
      #expect(unsafe rename(path + "/bucket", path + "/empty") == (isReplaced ? 0 : -1))
      #expect(unsafe rename(path + "/away", path + "/bucket") == 0)
      #expect(code { () throws(ObjectStoreError) in _ = try store.status(of: names[0]) } == nil)
    }
  }

  @Test func aRelativePathIsNamedFromTheRoot() throws {
    try withTemporaryDirectory { path in
      let up = String(repeating: "../", count: 40)
      let store = try DirectoryObjectStore(path: up + path.dropFirst())
      #expect(store.location.hasPrefix("/") && PosixPath.lies(store.location, within: path))
      #expect(!PosixPath.lies(store.location, within: path + "/other"))
      #if os(Linux)
        // Two directories, whatever Unicode says.
        for name in ["caf\u{e9}", "cafe\u{301}", "\u{301}"] {
          #expect(unsafe mkdir("\(path)/\(name)", 0o700) == 0)
        }
        #expect(!PosixPath.lies(path + "/cafe\u{301}/below", within: path + "/caf\u{e9}"))
        #expect(PosixPath.lies(path + "/caf\u{e9}/below", within: path + "/caf\u{e9}"))
        #expect(PosixPath.lies(path + "/\u{301}", within: path))
      #endif
    }
  }

  @Test func whatWasNeverFinishedGoes() throws {
    try withTemporaryDirectory { path in
      let store = try DirectoryObjectStore(path: path)
      let name = try #require(ObjectName("seg/00/a"))
      _ = try store.put(name, ObjectContent([1]), if: .always, class: nil)
      let folder = try PosixFileSystem().openDirectory(at: path + "/seg/00", create: false)
      try folder.create("~1234").close()
      #expect(try store.list("", after: nil, limit: 10).entries.map(\.name) == [name])
      #expect(try store.removeUnfinished(olderThan: 86_400_000) == 0)
      #expect(try store.removeUnfinished(olderThan: 0) == 1)
      #expect(try folder.names() == ["a"])
    }
  }

  @Test func foreignFilesAreLeftAlone() throws {
    try withTemporaryDirectory { path in
      let store = try DirectoryObjectStore(path: path)
      let folder = try PosixFileSystem().openDirectory(at: path, create: false)
      try folder.create("README").close()
      try folder.create("ok").close()
      #expect(try store.list("", after: nil, limit: 10).entries.map(\.name.description) == ["ok"])
    }
  }

  @Test func aClosedStoreSaysSo() throws {
    try withTemporaryDirectory { path in
      let store = try DirectoryObjectStore(path: path)
      store.close()
      do throws(ObjectStoreError) {
        _ = try store.list("", after: nil, limit: 1)
        Issue.record("no error")
      } catch {
        #expect(error.code == .cancelled)
      }
    }
  }

  private static func store(
    on disk: SimulatedFileSystem
  ) throws(ObjectStoreError) -> DirectoryObjectStore {
    try DirectoryObjectStore(path: "/bucket", fileSystem: disk, random: SimulatedRandom(seed: 1))
  }
}
