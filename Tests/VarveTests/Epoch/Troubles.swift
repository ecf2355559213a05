import VarvePlatform

/// What went wrong on threads of a test's own: an issue recorded there would belong to no test.
final class Troubles: Sendable {
  private let texts = Monitor<[String]>([])

  /// Keeps the first few.
  func add(_ text: String) {
    texts.withLock { if $0.count < 10 { $0.append(text) } }
  }

  var all: [String] { texts.withLock { $0 } }
}
