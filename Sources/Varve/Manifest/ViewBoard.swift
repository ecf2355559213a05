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

  init(_ view: ReadView, epochs: ReadEpochs) {
    self.epochs = epochs
    published = Published(view, in: epochs)
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
      return next
    }
    changing.broadcast()
    return next
  }

  /// Waits until `isReady` holds for the current view (true) or until the deadline (false), in
  /// nanoseconds of the monotonic clock.
  func wait(until deadline: UInt64, for isReady: (ReadView) -> Bool) -> Bool {
    changing.wait(until: deadline) { _ in isReady(pinned()) }
  }
}
