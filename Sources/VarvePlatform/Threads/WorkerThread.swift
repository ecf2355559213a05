import CVarveShims

/// The system would not start another thread.
package struct ThreadError: Error, Equatable, Sendable {
  /// The system's error number.
  package var number: Int32
}

/// A thread of our own: blocking work never runs on Swift's cooperative pool.
///
/// Signals sent to the process pass it by. Join it before what its body uses goes away; one that
/// is dropped unjoined runs on by itself.
package final class WorkerThread: Sendable {
  /// Enough for the deepest call of the engine; the system's default of 8 MiB is only address
  /// space, but counts against limits on it.
  package static let defaultStackBytes = 512 * 1024

  private enum Phase {
    case running(varve_thread)
    case joining
    case joined
  }

  package let name: String
  private let phase: Monitor<Phase>

  /// Starts a thread that runs `body` once. Of the name the system shows the first 15 bytes.
  ///
  /// - Parameter yields: whether the thread, and those it starts, take less of the processors than
  ///   others that want them.
  package init(
    name: String, yields: Bool = false, stackBytes: Int = WorkerThread.defaultStackBytes,
    _ body: @escaping @Sendable () -> Void
  ) throws(ThreadError) {
    self.name = name
    let start = Start(name: name, yields: yields, body: body)
    phase = Monitor(.running(try Self.start(start, stackBytes)))
  }

  deinit {
    phase.withLock { phase in
      if case .running(let thread) = phase { varve_thread_detach(thread) }
    }
  }

  /// Returns once the body has returned. May be called by several threads and again later, but not
  /// by the thread itself.
  package func join() {
    if let thread = phase.withLock(Self.claim) {
      precondition(varve_thread_is_current(thread) == 0, "a thread joins itself")
      let result = varve_thread_join(thread)
      precondition(result == 0)
      phase.withLock { $0 = .joined }
      phase.broadcast()
    } else {
      _ = phase.wait { phase in
        if case .joined = phase { true } else { false }
      }
    }
  }

  /// Whether the caller runs on this thread.
  package var isCurrent: Bool {
    phase.withLock { phase in
      if case .running(let thread) = phase { varve_thread_is_current(thread) != 0 } else { false }
    }
  }

  /// The thread for the one caller who joins it; the others wait for that caller.
  private static func claim(_ phase: inout Phase) -> varve_thread? {
    guard case .running(let thread) = phase else { return nil }
    phase = .joining
    return thread
  }
}

// MARK: - Starting

extension WorkerThread {
  /// What the new thread needs, carried through one pointer.
  private final class Start: Sendable {
    let name: String
    let yields: Bool
    let body: @Sendable () -> Void

    init(name: String, yields: Bool, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.yields = yields
      self.body = body
    }
  }

  private static func start(
    _ start: Start, _ stackBytes: Int
  ) throws(ThreadError) -> varve_thread {
    // The new thread takes this reference over; if there is none, it is given back here.
    let box = unsafe Unmanaged.passRetained(start)
    var thread = varve_thread()
    let number = unsafe varve_thread_start(&thread, stackBytes, run, box.toOpaque())
    guard number == 0 else {
      unsafe box.release()
      throw ThreadError(number: number)
    }
    return thread
  }

  private static let run: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = {
    argument in
    // `start` always passes a retained `Start`.
    let box = unsafe Unmanaged<Start>.fromOpaque(argument.unsafelyUnwrapped)
    let start = unsafe box.takeRetainedValue()
    unsafe varve_thread_name(start.name)
    if start.yields { varve_thread_yield() }
    start.body()
    return nil
  }
}
