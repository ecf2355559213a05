#if os(Linux)
  import Testing
  import Varve
  import VarvePlatform
  import VarveSimulation
  import VarveTestSupport

  #if canImport(Glibc)
    import Glibc
  #else
    import Musl
  #endif

  /// A directory to which its user lost the right to write, with a store in it.
  @Suite struct UnwritableDirectoryTests {
    @Test func aStoreThatMayNotBeWrittenToIsReadAndSaysSo() throws {
      try withUserDirectory { path in
        let store = try open(path)
        try store.keyspace("default").put("a key", "a value")
        try store.close()
        unsafe chmod(path, 0o555)
        let reader = try open(path, .readOnly)
        #expect(try reader.keyspace("default").text("a key") == "a value")
        try reader.close()
        // Nothing has to be made before something is written.
        let writer = try open(path)
        #expect(
          code(of: { try writer.keyspace("default").put("another", "value") }) == .inputOutput)
        try? writer.close()
        unsafe chmod(path, 0o700)
        try expect("a value", in: path)
      }
    }

    @Test func aStoreThatMayNotMakeFilesAnyMoreKeepsWhatItAcknowledged() throws {
      try withUserDirectory { path in
        let store = try open(path)
        try store.keyspace("default").put("a key", "a value")
        unsafe chmod(path, 0o555)
        #expect(code(of: { try store.flush() }) == .inputOutput)
        #expect(try store.keyspace("default").text("a key") == "a value")
        try? store.close()
        unsafe chmod(path, 0o700)
        try expect("a value", in: path)
      }
    }

    private func expect(_ value: String, in path: String) throws {
      let store = try open(path)
      #expect(try store.keyspace("default").text("a key") == value)
      try store.close()
    }

    private func open(
      _ path: String, _ access: StoreOptions.Access = .readWrite
    ) throws -> SegmentStore {
      var options = StoreOptions.small
      options.access = access
      // All on the thread that has no rights.
      let components = StoreComponents(
        fileSystem: PosixFileSystem(), clock: SimulatedClock(), random: SimulatedRandom(seed: 1),
        background: .inline)
      return try SegmentStore.open(at: path, options: options, components: components)
    }

    /// Lends the path of a directory that is to be made, on a thread to which the rights of files apply.
    private func withUserDirectory(_ body: @escaping @Sendable (String) throws -> Void) throws {
      try withTemporaryDirectory { path in
        unsafe chmod(path, 0o777)
        let failure = Monitor<(any Error)?>(nil)
        try asNobody {
          do { try body(path + "/store") } catch { failure.withLock { $0 = error } }
        }
        if let failure = failure.withLock(\.self) { throw failure }
      }
    }
  }
#endif
