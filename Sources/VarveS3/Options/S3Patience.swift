import VarveObjects

/// How long requests may take. Times in milliseconds, from 1 to a week; ``retryMilliseconds`` may be 0.
public struct S3Patience: Hashable, Sendable {
  /// Until a server is connected.
  public var connectMilliseconds: UInt64 = 3_000
  /// From the end of a request to the first byte of its answer.
  public var firstByteMilliseconds: UInt64 = 10_000
  /// Without one byte in either direction.
  public var stallMilliseconds: UInt64 = 10_000
  /// For a request of little data; each MiB has a second more, or as many as there are parts sent at once.
  public var requestMilliseconds: UInt64 = 30_000
  /// How long what failed is tried again; longer by as much as its data has. A request that was begun
  /// before may end after it. 0 for no second try.
  public var retryMilliseconds: UInt64 = 180_000
  /// The wait before the first repetition; later ones are longer, and all are random.
  public var firstDelayMilliseconds: UInt64 = 100
  /// The longest wait; never shorter than the first.
  public var longestDelayMilliseconds: UInt64 = 15_000

  /// How long a bucket may be silent that copies, joins or removes much. The tests change it, nobody else.
  var workMilliseconds: UInt64 = 120_000

  /// The usual patience.
  public init() {}

  private static let most: UInt64 = 7 * 86_400_000

  /// Refuses times that cannot be meant; the error names them all.
  func check() throws(ObjectStoreError) {
    let times = [
      ("connectMilliseconds", connectMilliseconds, 1),
      ("firstByteMilliseconds", firstByteMilliseconds, 1),
      ("stallMilliseconds", stallMilliseconds, 1), ("requestMilliseconds", requestMilliseconds, 1),
      ("retryMilliseconds", retryMilliseconds, 0),
      ("firstDelayMilliseconds", firstDelayMilliseconds, 1),
      ("longestDelayMilliseconds", longestDelayMilliseconds, 1),
    ]
    let wrong = times.filter { $0.1 < $0.2 || $0.1 > Self.most }.map(\.0)
    guard wrong.isEmpty else {
      throw ObjectStoreError(
        .invalid, "no time, or more than a week: \(wrong.joined(separator: ", "))")
    }
  }
}
