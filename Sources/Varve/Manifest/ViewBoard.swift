import Synchronization
import VarveFormat
import VarvePlatform

/// Where the current view hangs for all to read, and the only place where it is replaced.
///
/// Reading it takes no lock: an epoch slot keeps the view alive for the length of a read. Whoever
/// needs it longer takes a reference.
final class ViewBoard: Sendable {
  let epochs: ReadEpochs
  private let published: Published<ReadView>
  private let changing = Monitor(())
  /// Frozen memtables << 32 | level-0 segments of the current view, for those who look at each write.
  private let debts: Atomic<UInt64>

  init(_ view: ReadView, epochs: ReadEpochs) {
    self.epochs = epochs
    published = Published(view, in: epochs)
    debts = Atomic(Self.debts(of: view))
  }

  /// Lends the current view to `body` without counting a reference.
  @inline(__always)
  func read<Result, Failure: Error>(
    _ body: (ReadView) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try published.read(body)
  }

  /// The current view, uncounted: for threads inside an epoch, until they leave it.
  var present: Unmanaged<ReadView> { unsafe published.unmanaged }

  /// The current view, kept.
  func pinned() -> ReadView { published.current }

  /// Replaces the view by what `change` makes of it; one change at a time.
  @discardableResult
  func update(_ change: (ReadView) -> ReadView) -> ReadView {
    let next = changing.withLock { _ in
      let next = change(pinned())
      published.replace(with: next)
      debts.store(Self.debts(of: next), ordering: .relaxed)
      return next
    }
    changing.broadcast()
    return next
  }

  /// What waits to be flushed and to be compacted, without looking at the view.
  var waiting: (frozen: Int, levelZero: Int) {
    let debts = debts.load(ordering: .relaxed)
    return (Int(debts >> 32), Int(debts & 0xffff_ffff))
  }

  private static func debts(of view: ReadView) -> UInt64 {
    UInt64(view.frozen.count) << 32 | UInt64(view.version.levelZero.count)
  }

  /// Waits until `isReady` holds for the current view (true) or until the deadline (false), in
  /// nanoseconds of the monotonic clock.
  func wait(until deadline: UInt64, for isReady: (ReadView) -> Bool) -> Bool {
    changing.wait(until: deadline) { _ in isReady(pinned()) }
  }
}
