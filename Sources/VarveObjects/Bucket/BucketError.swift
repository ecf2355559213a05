package import VarveFormat

/// Why a bucket could not be used as a store's.
package enum BucketError: Error, Sendable {
  /// A request failed.
  case request(ObjectStoreError)
  /// An object is damaged, or written by a version that this one does not know.
  case damaged(FormatError, object: String)
  /// Another writer has taken over: nothing may be put there any more.
  case fenced
  /// Two processes write with one epoch, which cannot be told apart any more.
  case split(object: String)
  /// The bucket does not keep what a writer relies on.
  case unfit(String)
  /// There is no store.
  case noStore
  /// There is no such version, or checkpoint, to go on from.
  case noVersion(String)
  /// It is another store's.
  case otherStore
  /// It has a newer state of the store than this directory.
  case newer
  /// It does not have a file that lies nowhere else.
  case lacks(file: String)
}

extension BucketError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .request(let error): error.description
    case .damaged(let error, let object): "\(object): \(error)"
    case .fenced: "another writer has taken over the store in the bucket"
    case .split(let object): "\(object): two processes write with the same epoch"
    case .unfit(let what): "the bucket cannot be written to by a store: \(what)"
    case .noStore: "there is no store in the bucket"
    case .noVersion(let why): why
    case .otherStore: "the bucket holds another store"
    case .newer:
      "the bucket has a newer state of the store than this directory, which is a copy of an earlier one:"
        + " open the store from the bucket"
    case .lacks: "lies in no file of this directory, and this bucket does not have it"
    }
  }

  /// A version of which a file is missing, or not of its size.
  package static func notWhole(_ version: BucketManifest, _ file: BucketFile) -> BucketError {
    let name = BucketLayout.file(file)
    return .noVersion(
      "version \(version.number) is not whole in the bucket: \(name) is missing or cut")
  }

  /// Whether nothing of ours is there: another store, or another writer.
  package var isRefusal: Bool {
    switch self {
    case .otherStore, .fenced: true
    default: false
    }
  }

  /// Whether it may go well when it is tried again later.
  package var isTransient: Bool {
    guard case .request(let error) = self else { return false }
    return [.unavailable, .uncertain, .denied, .full].contains(error.code)
  }
}

extension ObjectStore {
  /// Makes an object of ours durable that was found where a put had not returned: of a name whose sync failed a
  /// later one may say that it is done, and never write it. Asks for nothing where what is seen is durable.
  func settle(_ name: ObjectName, _ bytes: [UInt8]) throws(ObjectStoreError) {
    guard !showsOnlyDurable else { return }
    _ = try put(name, ObjectContent(bytes), if: .always, class: nil)
  }

  /// Makes a request whose failure is a bucket's.
  func request<Result>(
    _ body: (Self) throws(ObjectStoreError) -> Result
  ) throws(BucketError) -> Result {
    do throws(ObjectStoreError) { return try body(self) } catch { throw .request(error) }
  }
}
