import VarveTestSupport

/// Which of all disks of a run are judged: one in so many, over the whole workload and its recoveries.
struct CrashSample: Sendable {
  /// About so many disks come of a workload of 60 acts.
  static let imagesOfWorkload = 25_000
  static let all = CrashSample(oneIn: 1, seed: 0)

  /// One in so many disks of the workload itself.
  private let ofImages: Int
  /// One in so many recoveries, and one in so many of its disks: to recover takes time, too.
  private let ofRecoveries: Int
  private let ofInner: Int
  private let seed: UInt64

  init(oneIn count: Int, seed: UInt64) {
    ofImages = max(1, count)
    ofInner = max(1, Int(Double(ofImages).squareRoot()))
    ofRecoveries = (ofImages + ofInner - 1) / ofInner
    self.seed = seed
  }

  /// The sample of about `images` disks.
  init(images: Int, seed: UInt64) {
    self.init(oneIn: Self.imagesOfWorkload / max(1, images), seed: seed)
  }

  func takes(image number: Int) -> Bool { takes(number, 0, oneIn: ofImages) }

  func takes(recovery number: Int) -> Bool { takes(number, 1, oneIn: ofRecoveries) }

  func takes(image number: Int, ofRecovery recovery: Int) -> Bool {
    takes(number, recovery + 2, oneIn: ofInner)
  }

  /// By chance and not by counting: what is counted comes in rounds of its own.
  private func takes(_ number: Int, _ stream: Int, oneIn count: Int) -> Bool {
    if count == 1 { return true }
    var random = SeededRandom(
      seed: seed &* 1_000_003 &+ UInt64(stream) &* 0x1_0000_0001 &+ UInt64(number))
    return random.below(count) == 0
  }
}
