import VarveFormat

/// Counts what goes into a segment, or is found in one: the properties as they come about.
struct SegmentCounter {
  private(set) var properties = SegmentProperties()
  /// Pointers by value file, but for those into `file`: most follow each other into one.
  private var references: [UInt64: ValueReference] = [:]
  private var file = ValueReference(file: 0, count: 0, bytes: 0)
  private var deleteRun: UInt32 = 0

  var entryCount: UInt64 { properties.entryCount }
  var blockCount: UInt32 { properties.blockCount }

  /// Takes in one entry. Its key is remembered where it is the first.
  mutating func count(_ entry: EntryView, isNewKey: Bool) {
    if properties.entryCount == 0 { properties.smallestKey = entry.key.array }
    properties.entryCount &+= 1
    properties.keyCount &+= isNewKey ? 1 : 0
    properties.keyBytes &+= UInt64(entry.key.count)
    properties.rawBytes &+= UInt64(entry.key.count &+ entry.value.count)
    properties.smallestSequence = min(properties.smallestSequence, entry.sequence)
    properties.largestSequence = max(properties.largestSequence, entry.sequence)
    if entry.kind == .delete {
      properties.deleteCount &+= 1
      deleteRun &+= deleteRun == .max ? 0 : 1
      properties.longestDeleteRun = max(properties.longestDeleteRun, deleteRun)
    } else {
      deleteRun = 0
    }
    if entry.expiry != 0 { count(expiry: entry.expiry) }
  }

  private mutating func count(expiry: ExpiryTime) {
    let isFirst = properties.expiringCount == 0
    properties.expiringCount &+= 1
    properties.earliestExpiry = isFirst ? expiry : min(properties.earliestExpiry, expiry)
    properties.latestExpiry = max(properties.latestExpiry, expiry)
  }

  /// Takes in what an entry of kind pointer points to.
  mutating func count(_ pointer: ValuePointer) {
    properties.pointerCount &+= 1
    if pointer.file != file.file || file.count == 0 {
      settle()
      file = references[pointer.file] ?? ValueReference(file: pointer.file, count: 0, bytes: 0)
    }
    file.count &+= 1
    file.bytes &+= UInt64(pointer.storedCount)
  }

  private mutating func settle() {
    if file.count > 0 { references[file.file] = file }
  }

  /// Takes in one block as it is stored.
  mutating func count(_ handle: BlockHandle) {
    properties.blockCount &+= 1
    properties.codecBlocks[Int(handle.codec.rawValue)] &+= 1
    properties.storedBytes &+= UInt64(handle.storedCount)
    properties.fullBytes &+= UInt64(handle.fullCount)
  }

  /// Everything that was counted, once the last key is known.
  mutating func finish(largestKey: [UInt8]) -> SegmentProperties {
    settle()
    properties.largestKey = largestKey
    properties.valueReferences = references.values.sorted { $0.file < $1.file }
    return properties
  }
}
