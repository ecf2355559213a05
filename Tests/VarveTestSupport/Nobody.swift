#if os(Linux)
  import VarvePlatform

  #if canImport(Glibc)
    import Glibc
  #else
    import Musl
  #endif

  /// Does something on a thread to which the rights of files apply, as they do not to root's threads, and waits for
  /// it. The thread of another user stays that user's.
  package func asNobody(_ body: @escaping @Sendable () -> Void) throws {
    // Of one thread alone; Glibc's module does not declare it.
    guard let symbol = unsafe dlsym(nil, "setfsuid") else { throw MissingFunction() }
    let becomeUser = unsafe unsafeBitCast(symbol, to: (@convention(c) (UInt32) -> Int32).self)
    let thread = try WorkerThread(name: "nobody") {
      _ = becomeUser(65_534)
      body()
    }
    thread.join()
  }

  /// The system has no such function.
  private struct MissingFunction: Error {}
#endif
