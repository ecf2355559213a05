/// One line of the comparison: what is done to which data, and how it is counted.
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
    /// Reads single keys.
    case get
    case getAbsent
    /// Reads everything in order.
    case scan(backward: Bool)
    /// Finds a key and reads so many entries from there.
    case seek(entries: Int)
  }

  enum Unit: String { case operations = "k/s", megabytes = "MB/s" }

  var name: String
  var data: DataKind
  var action: Action
  var start = Start.shared
  var order = Order.random
  /// How many operations at full scale; nil for as many as there are records.
  var operations: Int?
  var isDurable = false
  /// How often the engines take turns in one round: more where the disk's mood decides, which
  /// changes by the second.
  var turns = 1
  var unit = Unit.operations

  var isWriting: Bool { if case .put = action { true } else { false } }
}

/// The data of a line.
enum DataKind: String, CaseIterable {
  /// 16-byte keys, values of 100 bytes.
  case small
  /// 16-byte keys, values of 3 KiB.
  case large
  /// Real embeddings, from files that are named.
  case embeddings
}
