import Testing
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// The first, second, third ... call of the file system fails in each operation of a bucket that is a directory: an
/// error or all of the work, never other bytes, and never "absent" for what is there.
@Suite struct DirectoryObjectStoreFaultTests {
  private static let old = [UInt8](repeating: 1, count: 5_000)
  private static let new = [UInt8](repeating: 2, count: 7_000)

  private struct Act: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Throws an `ObjectStoreError` or returns whether what it found is right.
    let perform: @Sendable (DirectoryObjectStore, Names) throws -> Bool
    /// What is durable once it is done.
    var written: (@Sendable (Names) -> ObjectName)?

    init(
      _ description: String, writes written: (@Sendable (Names) -> ObjectName)? = nil,
      perform: @escaping @Sendable (DirectoryObjectStore, Names) throws -> Bool
    ) {
      (testDescription, self.perform, self.written) = (description, perform, written)
    }
  }

  /// Of an object that is there, and of one that is not.
  private struct Names: Sendable {
    let there: ObjectName
    let absent: ObjectName

    init() throws {
      there = try #require(ObjectName("seg/00/there"))
      absent = try #require(ObjectName("seg/01/absent"))
    }
  }

  private static let acts = [
    Act("put over another", writes: \.there) { store, names in
      _ = try store.put(names.there, ObjectContent(new), if: .always, class: nil)
      return try store.status(of: names.there)?.size == UInt64(new.count)
    },
    Act("put what is not there", writes: \.absent) { store, names in
      _ = try store.put(names.absent, ObjectContent(new), if: .absent, class: nil)
      return try store.status(of: names.absent)?.size == UInt64(new.count)
    },
    Act("put what is there") { store, names in
      do throws(ObjectStoreError) {
        _ = try store.put(names.there, ObjectContent(new), if: .absent, class: nil)
        return false
      } catch {
        guard error.code == .exists else { throw error }
        return true
      }
    },
    Act("read") { store, names in
      try store.read(names.there, .bytes(offset: 1_000, count: 3_000)).bytes
        == Array(old[1_000..<4_000])
    },
    Act("status") { store, names in
      try store.status(of: names.there)?.size == UInt64(old.count)
    },
    Act("list") { store, names in
      try store.list("seg/", after: nil, limit: 10).entries.map(\.name) == [names.there]
    },
    Act("remove") { store, names in
      try store.remove([names.there, names.absent])
      return try store.status(of: names.there) == nil
    },
    Act("removeUnfinished") { store, _ in
      try store.removeUnfinished(olderThan: 0) == 1
    },
  ]

  @Test(arguments: acts) private func anyCallMayFail(in act: Act) throws {
    // A sync that fails loses some of what was pending, by the seed.
    let reasons: [FileSystemError.Reason] = [.device, .full, .tooManyOpen, .device, .device]
    for (seed, reason) in reasons.enumerated() {
      for duration in [Fault.Duration.once, .forGood] {
        var fault = Fault(effect: .error(reason), lasts: duration)
        while try isStruck(act, fault, seed: UInt64(seed)) { fault.occurrence += 1 }
        #expect(fault.occurrence > 1)
      }
    }
  }

  /// Whether there was such a call.
  private func isStruck(_ act: Act, _ fault: Fault, seed: UInt64) throws -> Bool {
    let (disk, names) = (SimulatedFileSystem(seed: seed), try Names())
    try prepare(disk, names)
    let (store, place) = (try Self.store(on: disk), "call \(fault.occurrence)")
    disk.inject(fault)
    var isDone = false
    do throws(any Error) {
      isDone = try act.perform(store, names)
      #expect(isDone, "\(place): something else was found")
    } catch {
      let code = (error as? ObjectStoreError)?.code
      #expect(code != nil && code != .absent && code != .exists, "\(place): \(error)")
    }
    let isStruck = disk.struck != nil
    #expect(isDone || isStruck)
    disk.clearFaults()
    let removes = act.testDescription == "remove"
    try checkObjects(store, names, "\(place), the open store", mayBeGone: removes)
    // Where a sync failed, what was acknowledged before is there all the same.
    let durable = try Self.store(on: disk.crashImage(.durableOnly))
    try checkObjects(
      durable, names, "\(place), after a power cut", mayBeGone: removes)
    if isDone, removes {
      #expect(try durable.status(of: names.there) == nil, "\(place): it is back after a power cut")
    }
    if isDone, let name = act.written?(names) {
      let size = try durable.status(of: name)?.size
      #expect(size == UInt64(Self.new.count), "\(place): after a power cut")
    }
    store.close()
    #expect(disk.leaks.filter { $0.hasPrefix("file") }.isEmpty, "\(place): left open")
    return isStruck
  }

  /// What is there is whole, old or new, and nothing else is.
  private func checkObjects(
    _ store: DirectoryObjectStore, _ names: Names, _ place: String, mayBeGone: Bool
  ) throws {
    let listed = try store.list("", after: nil, limit: 10).entries.map(\.name)
    #expect(Set(listed).isSubset(of: [names.there, names.absent]), "\(place): \(listed)")
    #expect(mayBeGone || listed.contains(names.there), "\(place): it is gone")
    for name in listed {
      let bytes = try store.read(name, .bytes(offset: 0, count: 1 << 20)).bytes
      let allowed = name == names.there ? [Self.old, Self.new] : [Self.new]
      #expect(allowed.contains(bytes), "\(place): \(bytes.count) bytes of \(name)")
    }
  }

  /// An object, and what a process left that died in the midst of another.
  private func prepare(_ disk: SimulatedFileSystem, _ names: Names) throws {
    let store = try Self.store(on: disk)
    _ = try store.put(names.there, ObjectContent(Self.old), if: .always, class: nil)
    store.close()
    let folder = try disk.openDirectory(at: "/bucket/seg/00", create: false)
    try folder.create("~1234").close()
    try folder.sync()
  }

  private static func store(
    on disk: SimulatedFileSystem
  ) throws(ObjectStoreError) -> DirectoryObjectStore {
    try DirectoryObjectStore(path: "/bucket", fileSystem: disk, random: SimulatedRandom(seed: 1))
  }
}
