/// A bucket, or a part of one: named objects that are written whole, read in ranges, and never changed
/// in place. The cold tier keeps a store's sealed files there.
///
/// ```
///   put(if absent)  status  list         one request each; strongly consistent
///   put             one request, or several parts, as the backend sees fit; seen whole or not at all
///   read            a range of an object, at most as many bytes as were asked for
///   remove          many at once
///   copy, restore   between storage classes, where there are any
/// ```
///
/// Calls block their thread, may come from many threads at once, try again by themselves what is worth
/// trying again, and end by a deadline of the backend's. All backends pass one conformance suite.
///
/// The only thing a writer needs that not every bucket has is that `put` with `.absent` makes an object
/// or fails, for one of any number of racing callers. Opening for writing tries that out.
public protocol ObjectStore: AnyObject, Sendable {
  /// Where it is, for people and error texts. Without secrets.
  var location: String { get }

  /// Whether `put` with `.absent` has one winner where several race: declared, since no probe could
  /// tell. Where it has not, one machine at a time may write.
  var createsAtomically: Bool { get }

  /// Whether an object that is seen is durable: declared, since no probe could tell. Where it is not, as
  /// in a directory of which a sync failed, whoever finds an object of its own after a `put` that did not
  /// return writes it again.
  var showsOnlyDurable: Bool { get }

  /// Writes an object. Durable when it returns.
  ///
  /// - Throws: `.exists` where `condition` is `.absent` and the object is there; it may be one of this
  ///   caller's own earlier try. `.uncertain` where nobody knows whether it was written.
  func put(
    _ name: ObjectName, _ content: ObjectContent, if condition: PutCondition,
    class storageClass: StorageClass?
  ) throws(ObjectStoreError) -> ObjectReceipt

  /// Reads part of an object.
  ///
  /// - Throws: `.absent`; `.archived` where it must be restored first; `.damaged` where the answer has
  ///   another length, or stands elsewhere in the object, than it says.
  func read(_ name: ObjectName, _ range: ObjectRange) throws(ObjectStoreError) -> ObjectPart

  /// Size and kind of an object; nil where there is none.
  func status(of name: ObjectName) throws(ObjectStoreError) -> ObjectStatus?

  /// Objects whose names begin with `prefix`, ascending by bytes, from the first one after `place` on.
  ///
  /// - Parameters:
  ///   - place: a name, or where an earlier listing ended.
  ///   - limit: at most so many, 1 to 1,000.
  func list(
    _ prefix: String, after place: String?, limit: Int
  ) throws(ObjectStoreError) -> ObjectListing

  /// Removes objects; those that are not there are no failure. Where some could not be removed the
  /// error names one of them, and the others may be gone.
  func remove(_ names: [ObjectName]) throws(ObjectStoreError)

  /// Copies an object to a new name in another storage class, inside the bucket.
  func copy(
    _ name: ObjectName, to newName: ObjectName, class storageClass: StorageClass
  ) throws(ObjectStoreError)

  /// Removes what writes that were never finished left behind `age` ms ago or longer, by the bucket's
  /// clock: parts of uploads, temporary files. Returns how many.
  func removeUnfinished(olderThan age: UInt64) throws(ObjectStoreError) -> Int

  /// Asks for an archived object to become readable for `days`: returns at once. `status(of:)` tells
  /// how far it is.
  func restore(_ name: ObjectName, days: Int) throws(ObjectStoreError)

  /// Ends all calls that are under way with `.cancelled`, and refuses new ones.
  func close()
}

/// When an object is written.
public enum PutCondition: Sendable {
  /// Whatever was there before is replaced.
  case always
  /// Only where no object has the name.
  case absent
}

/// A storage class by the bucket's own name for it, such as `STANDARD_IA` or `GLACIER`.
public struct StorageClass: Hashable, Sendable, CustomStringConvertible {
  /// The bucket's name for it.
  public let description: String

  /// The class that the bucket calls so.
  public init(_ name: String) { description = name }
}

/// What to read of an object.
public enum ObjectRange: Hashable, Sendable {
  /// `count` bytes from `offset` on; fewer where the object ends before.
  case bytes(offset: UInt64, count: Int)
  /// The last `count` bytes; all where there are fewer.
  case suffix(count: Int)
}

/// What a bucket answered to a write.
public struct ObjectReceipt: Sendable {
  /// The bucket's clock, in ms since 1970, where it told.
  public var serverTime: UInt64?

  /// An answer.
  public init(serverTime: UInt64?) { self.serverTime = serverTime }
}

/// Bytes of an object.
public struct ObjectPart: Sendable {
  /// The bytes.
  public var bytes: [UInt8]
  /// Where they begin in the object.
  public var offset: UInt64
  /// Bytes of the whole object.
  public var objectSize: UInt64
  /// The bucket's clock, in ms since 1970, where it told.
  public var serverTime: UInt64?

  /// Bytes that were read.
  public init(bytes: [UInt8], offset: UInt64, objectSize: UInt64, serverTime: UInt64?) {
    self.bytes = bytes
    self.offset = offset
    self.objectSize = objectSize
    self.serverTime = serverTime
  }
}

/// What a bucket says of an object.
public struct ObjectStatus: Sendable {
  /// Whether an object can be read now.
  public enum Access: Sendable {
    case readable
    /// It must be restored first.
    case archived
    /// It is being restored.
    case restoring
  }

  /// Bytes of the object.
  public var size: UInt64
  /// When it was written, in ms since 1970 by the bucket's clock.
  public var modified: UInt64
  /// Nil for the bucket's usual class.
  public var storageClass: StorageClass?
  /// Whether it can be read now.
  public var access: Access
  /// The bucket's clock at the time of the answer, where it told.
  public var serverTime: UInt64?

  /// What was answered.
  public init(
    size: UInt64, modified: UInt64, storageClass: StorageClass? = nil,
    access: Access = .readable, serverTime: UInt64? = nil
  ) {
    self.size = size
    self.modified = modified
    self.storageClass = storageClass
    self.access = access
    self.serverTime = serverTime
  }
}

/// One page of names.
public struct ObjectListing: Sendable {
  /// An object of a listing.
  public struct Entry: Sendable {
    /// The object's name.
    public var name: ObjectName
    /// Bytes of the object.
    public var size: UInt64
    /// When it was written, in ms since 1970 by the bucket's clock.
    public var modified: UInt64

    /// An object that was found.
    public init(name: ObjectName, size: UInt64, modified: UInt64) {
      self.name = name
      self.size = size
      self.modified = modified
    }
  }

  /// Objects whose names a store could have given; others are passed over.
  public var entries: [Entry]
  /// Where the next page begins, for `list(_:after:limit:)`; nil where this is the last.
  public var end: String?
  /// The bucket's clock, in ms since 1970, where it told.
  public var serverTime: UInt64?

  /// A page.
  public init(entries: [Entry], end: String?, serverTime: UInt64?) {
    self.entries = entries
    self.end = end
    self.serverTime = serverTime
  }
}
