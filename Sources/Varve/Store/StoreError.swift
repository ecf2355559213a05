import VarveFormat
import VarveObjects
import VarvePlatform

/// The one error that Varve throws. Its ``code`` says what to do next.
public struct StoreError: Error, Sendable {
  /// What kind of failure it is, and so what the caller should do.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Value: String {
      case
        corrupted, poisoned, locked, full, limit, incompatible, closed, notFound, notEmpty, exists,
        invalid, inputOutput, readOnly, busy, unavailable, archived, fenced, snapshotTooOld, waits
    }
    private let value: Value

    /// Stored bytes are damaged: ``StoreError/file`` and ``StoreError/offset`` say where. Run
    /// `varve verify`; restore that file from a copy.
    public static let corrupted = Code(value: .corrupted)
    /// A write of the log or a sync failed, so nothing more may be written. Reads go on; close the store, which
    /// throws this once more, and open it to recover.
    public static let poisoned = Code(value: .poisoned)
    /// Another opener, in this process or another, holds the store.
    public static let locked = Code(value: .locked)
    /// The disk or quota is full. Make room and try again; nothing was lost.
    public static let full = Code(value: .full)
    /// A key, value, batch or name exceeds a limit that the message names.
    public static let limit = Code(value: .limit)
    /// The store was written by a version, or with a feature, this one does not know.
    public static let incompatible = Code(value: .incompatible)
    /// The store was closed.
    public static let closed = Code(value: .closed)
    /// The store or keyspace does not exist (any more).
    public static let notFound = Code(value: .notFound)
    /// The directory holds other files and no store, so none was made there. Name one that is empty, or
    /// that does not exist yet.
    public static let notEmpty = Code(value: .notEmpty)
    /// What was to be made exists already.
    public static let exists = Code(value: .exists)
    /// An argument or option that cannot be meant.
    public static let invalid = Code(value: .invalid)
    /// The operating system refused or the device failed; the message says which call.
    public static let inputOutput = Code(value: .inputOutput)
    /// The store was opened for reading only.
    public static let readOnly = Code(value: .readOnly)
    /// Background work cannot keep up and the wait ran out. Try again later.
    public static let busy = Code(value: .busy)

    /// The bucket did not answer, or did not let us in; the message says which. Nothing was lost: try again
    /// later.
    public static let unavailable = Code(value: .unavailable)
    /// What was asked for lies in an archive of the bucket: restore it first.
    public static let archived = Code(value: .archived)
    /// Another machine has taken over the store in the bucket. This one keeps what it has, and puts nothing
    /// there any more.
    public static let fenced = Code(value: .fenced)

    /// What a replica was asked for is no part of the store any more, and gone from the bucket: call
    /// ``SegmentStore/refresh()``, and take a new snapshot or cursor.
    public static let snapshotTooOld = Code(value: .snapshotTooOld)

    /// A thread that may not wait would have to: the read is done again on one that may. Not for users.
    static let waits = Code(value: .waits)

    /// The code's name.
    public var description: String { value.rawValue }
  }

  /// What kind of failure it is.
  public let code: Code
  /// What happened, for a person. Never holds keys or values.
  public let message: String
  /// The file it happened in, where one is known.
  public let file: String?
  /// The structure of the format specification that is damaged, where one is known.
  public let structure: String?
  /// Bytes from the start of ``file``, where known.
  public let offset: UInt64?

  init(
    _ code: Code, _ message: String, file: String? = nil, structure: String? = nil,
    offset: UInt64? = nil
  ) {
    self.code = code
    self.message = message
    self.file = file
    self.structure = structure
    self.offset = offset
  }
}

extension StoreError: CustomStringConvertible {
  /// Code, where it happened, and the message, in one line.
  public var description: String {
    var text = "\(code): "
    if let file { text += "\(file): " }
    if let structure { text += "\(structure): " }
    text += message
    if let offset { text += " at offset \(offset)" }
    return text
  }
}

// MARK: - From the layers below

extension StoreError {
  /// What is damaged where a file is missing or not of its size.
  static let wholeFile = "file"

  /// Damage, or a format this reader does not know, found in `file`.
  init(_ error: FormatError, in file: String) {
    let code: Code =
      switch error.fault {
      case .version, .features: .incompatible
      default: .corrupted
      }
    self.init(
      code, "\(error.fault)", file: file, structure: error.structure.rawValue,
      offset: error.offset)
  }

  /// Why the directory `path` could not be opened as a store: what the caller can do about it, and
  /// not which call it was.
  init(opening path: String, isMaking: Bool = false, _ error: FileSystemError) {
    switch error.reason {
    case .locked:
      self.init(
        .locked, "the store is open elsewhere, in this process or another: close it there first",
        file: path)
    case .notFound where isMaking:
      self.init(
        .notFound, "the directory to make the store in does not exist: make it first", file: path)
    case .notFound:
      self.init(
        .notFound, "there is no such directory: check the path, or let the store be made",
        file: path)
    default: self.init(error)
    }
  }

  /// A call to the file system that failed. A file to be read that is not there, or not of its size,
  /// is damage: the store names only files that it has.
  init(_ error: FileSystemError) {
    let code: Code
    switch (error.reason, error.operation) {
    case (.notFound, .open), (.notFound, .map):
      self.init(
        .corrupted, "the file is missing", file: error.path, structure: Self.wholeFile, offset: 0)
      return
    case (.size(let expected, let found), _):
      self.init(
        .corrupted, "the file \(error.reason)", file: error.path, structure: Self.wholeFile,
        offset: min(expected, found))
      return
    case (.remote(let failure), _):
      self.init(failure, in: error.path)
      return
    case (.full, _): code = .full
    case (.locked, _): code = .locked
    case (.closed, _): code = .closed
    default: code = .inputOutput
    }
    let number = error.number == 0 ? "" : ", system error \(error.number)"
    self.init(
      code, "\(error.operation.rawValue) failed (\(error.reason)\(number))", file: error.path)
  }
}

// MARK: - From the bucket

extension StoreError {
  /// What lies in the bucket and could not be had.
  init(_ failure: FileSystemError.RemoteFailure, in file: String) {
    let code: Code =
      switch failure.kind {
      case .unavailable, .denied: .unavailable
      case .archived: .archived
      case .missing, .damaged: .corrupted
      case .closed: .closed
      case .overtaken: .snapshotTooOld
      case .fenced: .fenced
      case .waits: .waits
      }
    self.init(code, failure.message, file: file)
  }

  /// A directory that was to be made from a bucket, and is not whole.
  init(notRestoredAt path: String) {
    self.init(
      .notFound,
      "the store was not restored to its end: open it while its bucket answers, or from its bucket again",
      file: path)
  }

  /// What could not be done with the bucket at `location`.
  init(_ error: BucketError, at location: String) {
    let code: Code =
      switch error {
      case .request(let error): Self.code(of: error.code)
      case .damaged(let error, _):
        switch error.fault {
        case .version, .features: .incompatible
        default: .corrupted
        }
      case .fenced, .split, .newer: .fenced
      case .lacks: .corrupted
      case .unfit: .invalid
      case .noStore, .noVersion: .notFound
      case .otherStore: .exists
      }
    var object: String?
    var offset: UInt64?
    var structure: String?
    var message = error.description
    switch error {
    case .damaged(let error, let name):
      (object, offset) = (name, error.offset)
      (structure, message) = (error.structure.rawValue, "\(error.fault)")
    case .request(let error) where error.code.description == code.description:
      // The code is said already.
      message = (error.object.map { "\($0): " } ?? "") + error.message
    default: break
    }
    if case .lacks(let file) = error {
      self.init(code, error.description, file: file, structure: Self.wholeFile, offset: 0)
      return
    }
    self.init(
      code, message, file: object.map { "\(location)/\($0)" } ?? location,
      structure: structure, offset: offset)
  }

  private static func code(of code: ObjectStoreError.Code) -> Code {
    switch code {
    case .absent: .notFound
    case .exists: .exists
    case .archived: .archived
    case .damaged: .corrupted
    case .unsupported, .invalid: .invalid
    case .cancelled: .closed
    case .full: .full
    default: .unavailable
    }
  }
}
