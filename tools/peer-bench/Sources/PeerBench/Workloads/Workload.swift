/// One workload of the comparison: what is done to which data, what is shown of it, and the goals.
struct Workload {
  /// What the store holds before the clock starts.
  enum Start {
    /// Nothing.
    case empty
    /// Every record, settled; a store of its own, for writing.
    case filled
    /// Every record, settled; one store for all lines that only read.
    case shared
  }

  enum Order { case ascending, random }

  enum Action {
    /// Stores records, so many in each batch; the values of those already there change.
    case put(batch: Int)
    case delete
    /// Reads single keys.
    case get(Pick)
    /// Reads so many keys by each call.
    case getMany(Int)
    /// Reads everything in order.
    case scan(backward: Bool)
    /// Finds a key and reads so many entries from there.
    case seek(entries: Int)
    /// Reads all entries that share all but the last two bytes of a key.
    case prefix
    case mix(Mix)
    case bulkImport
    /// Opens a store that was closed.
    case open
    /// Puts records, ends the process with SIGKILL, and opens the store again.
    case replay
    /// Looks at a store that rests.
    case rest
  }

  /// How many operations a run has.
  enum Amount {
    case records
    /// So many at full scale, and never fewer than the least that can be timed.
    case scaled(Int, least: Int = 1)
    case exactly(Int)
    /// As many as fill the write buffer so many times.
    case buffers(Int)
  }

  var name: String
  var data: DataKind
  var action: Action
  var start = Start.shared
  var order = Order.random
  var amount = Amount.records
  var threads = 1
  var isDurable = false
  /// Goes on for so many seconds at full scale, over its operations again and again.
  var seconds: Double?
  /// Whether the clock stops only when the background has nothing left to do.
  var isDrained = false
  /// Whether the write buffers shrink with the scale, so that as many are filled.
  var scalesBuffers = false
  /// Whether the process has a quarter of the data's size for everything, page cache included.
  var isLimited = false
  /// Into about how many files the store is cut.
  var fileCount: Int?
  /// How often the engines take turns in one round: more where the disk's mood decides, which
  /// changes by the second.
  var turns = 1
  /// Whether it takes minutes: not done in every round.
  var isLong = false
  var measuresLatency = false
  /// Whether the bare log runs beside the engines.
  var hasReference = false
  /// Engines that would need hours.
  var without: [String] = []
  /// What is shown; a row each.
  var figures: [Figure] = [Figure(.operationRate)]

  /// Whether it changes the store, and the stores are compared afterwards.
  var isWriting: Bool {
    switch action {
    case .put, .delete, .bulkImport: true
    case .mix(let mix): mix.isWriting
    default: false
    }
  }

  /// Whether it writes much, compared or not: what replays a log makes segments of it.
  var takesMemory: Bool {
    if case .replay = action { true } else { isWriting }
  }

  func includes(_ peer: any Peer.Type) -> Bool {
    if peer.traits.isReference { return hasReference }
    if case .replay = action, !peer.traits.hasLog { return false }
    return !without.contains(peer.name)
  }
}

/// Which keys are read.
enum Pick {
  case uniform
  /// A few keys far more often, spread over all.
  case zipfian
  /// Zipfian too, the newest most often.
  case latest
  /// Keys that are not there.
  case absent
}

/// Shares of each kind of operation; they add up to one.
struct Mix {
  var gets = 0.0
  var updates = 0.0
  var inserts = 0.0
  var scans = 0.0
  var rewrites = 0.0
  var pick = Pick.zipfian

  var isWriting: Bool { updates + inserts + rewrites > 0 }
}
