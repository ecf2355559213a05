import Varve
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// What a process of ours is to do with a store on a real file system.
struct ProcessOptions {
  let path: String
  let workload: CrashWorkload
  /// The store holds the state after so many acts at least, and after so many at most.
  let expected: ClosedRange<Int>
  /// How many acts to perform.
  let most: Int
  /// Whether whoever started the process makes room when it is asked to, and says so.
  let asks: Bool
  /// Whether to wait for a store that is locked.
  let waits: Bool
  /// Whether nothing may be changed.
  let isReadOnly: Bool
  /// Whether the verifier is asked: it calls damaged what cannot be read at the moment, too.
  let isVerified: Bool
  /// Whether what was closed may still be open: where calls to close are made to fail.
  let mayStayOpen: Bool
  /// The directory that is the store's bucket; nil where it has none.
  let bucket: String?
  /// Whether the store is made from the bucket.
  let isRestored: Bool
  /// Whether one thread does everything, and clocks and random numbers are always the same.
  private let isInline: Bool
  /// Of the first log, which is stored into only once it has been written to for a while.
  private let firstLogBytes: UInt64
  /// Of a value file: large ones are stored into, of small ones there are many.
  private let valueFileBytes: UInt64
  private let readMode: StoreOptions.ReadMode

  /// Takes the words after the name of the mode; nil where they make no sense.
  init?(_ words: [String]) {
    var words = words
    guard !words.isEmpty else { return nil }
    path = words.removeFirst()
    let seed = Soak.number("--seed", in: &words) ?? 1
    let acts = Soak.number("--acts", in: &words) ?? 60
    let durable = Soak.number("--durable", in: &words) ?? 0
    let invoked = Soak.number("--invoked", in: &words) ?? durable
    most = Soak.number("--most", in: &words) ?? .max
    asks = Self.take("--asks", from: &words)
    waits = Self.take("--waits", from: &words)
    isReadOnly = Self.take("--read-only", from: &words)
    isVerified = !Self.take("--unverified", from: &words)
    mayStayOpen = Self.take("--unclosed", from: &words)
    isInline = Self.take("--inline", from: &words)
    isRestored = Self.take("--restored", from: &words)
    bucket = Self.text("--bucket", from: &words)
    var shape = CrashWorkload.Shape()
    if Self.take("--filling", from: &words) { shape = .filling }
    if Self.take("--held", from: &words) { shape.reopens = false }
    shape.commitsOnly = Self.take("--commits-only", from: &words)
    firstLogBytes = shape.commitsOnly ? 1 << 20 : StoreOptions.small.firstLogBytes
    if Self.take("--buffered", from: &words) { shape.durability = .buffered }
    if Self.take("--synced", from: &words) { shape.durability = .synced }
    workload = CrashWorkload(varied: acts, seed: UInt64(seed), shape: shape)
    guard words.isEmpty, durable <= invoked, invoked <= workload.acts.count else { return nil }
    expected = durable...invoked
    valueFileBytes = seed % 3 == 1 ? 256 << 10 : StoreOptions.small.valueFileBytes
    readMode = seed % 4 == 3 ? .buffered : .mapped
  }

  private static func text(_ name: String, from words: inout [String]) -> String? {
    guard let index = words.firstIndex(of: name), index + 1 < words.count else { return nil }
    defer { words.removeSubrange(index...index + 1) }
    return words[index + 1]
  }

  private static func take(_ word: String, from words: inout [String]) -> Bool {
    guard let index = words.firstIndex(of: word) else { return false }
    words.remove(at: index)
    return true
  }

  /// - Parameter isAgain: after it was opened by this process.
  func open(isAgain: Bool = false) throws -> SegmentStore {
    var options = StoreOptions.small
    options.readMode = readMode
    options.firstLogBytes = firstLogBytes
    options.valueFileBytes = valueFileBytes
    options.access = isReadOnly ? .readOnly : .readWrite
    if let bucket {
      options.bucket = BucketOptions(try DirectoryObjectStore(path: bucket))
      options.bucket?.uploadInterval = nil
      options.bucket?.logInterval = 1
    }
    let files = PosixFileSystem()
    let components =
      isInline
      ? StoreComponents(
        fileSystem: files, clock: SimulatedClock(), random: SimulatedRandom(seed: 7),
        background: .inline)
      : StoreComponents(
        fileSystem: files, clock: SystemClock(), random: SystemRandom(), background: .threads)
    return isRestored && !isAgain
      ? try SegmentStore.open(fromBucketTo: path, options: options, components: components)
      : try SegmentStore.open(at: path, options: options, components: components)
  }

  /// What a judge writes, and takes back unless it is ended before.
  static let probe = "after the end of the process"

  /// After how many acts the store holds what it does.
  func state(of store: SegmentStore) throws -> Int {
    var content = try CrashWorkload.content(of: store)
    content["default"]?[Array(Self.probe.utf8)] = nil
    guard let state = expected.last(where: { workload.states[$0] == content }) else {
      let other = workload.states.lastIndex(of: content).map { "the one after \($0)" }
      throw Violation(
        "no state from \(expected.lowerBound) to \(expected.upperBound) is there, but "
          + (other ?? "none at all"))
    }
    return state
  }
}
