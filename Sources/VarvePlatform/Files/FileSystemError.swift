/// A call to the file system that failed: what was tried, on which file, and why.
package struct FileSystemError: Error, Equatable, Sendable {
  /// The call, by its job.
  package enum Operation: String, Sendable, CaseIterable {
    case openDirectory = "open directory"
    case list, status, create, open, read, write, reserve, truncate, sync, rename, remove, map
    case lock, close
    case syncDirectory = "sync directory"
  }

  /// The reasons that change what the caller does next; the rest are `.other`.
  package enum Reason: Sendable, Equatable {
    case notFound
    case exists
    case locked
    /// No space, or a quota is used up.
    case full
    case permission
    /// Not a regular file, not a directory, or a link where none is followed.
    case wrongKind
    /// Too many open files or mappings.
    case tooManyOpen
    /// The size is not the expected one.
    case size(expected: UInt64, found: UInt64)
    /// A read returned less than there is.
    case short
    /// The device failed (EIO).
    case device
    case closed
    /// The file lies in a bucket, which did not give it.
    case remote(RemoteFailure)
    case other
  }

  /// Why a bucket did not give what was asked for.
  package struct RemoteFailure: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
      case unavailable, denied, archived, missing, damaged, closed
      /// Gone, since another machine went on without it.
      case overtaken, fenced
      /// It would have to be asked for, and the thread may not wait: see ``Waiting``.
      case waits
    }

    package var kind: Kind
    package var message: String

    package init(_ kind: Kind, _ message: String) {
      self.kind = kind
      self.message = message
    }
  }

  package var operation: Operation
  package var reason: Reason
  /// The path, or the name within its directory.
  package var path: String
  /// The system's error number, zero where none was involved.
  package var number: Int32

  package init(_ operation: Operation, _ reason: Reason, path: String, number: Int32 = 0) {
    self.operation = operation
    self.reason = reason
    self.path = path
    self.number = number
  }
}

extension FileSystemError: CustomStringConvertible {
  package var description: String {
    let cause = number == 0 ? "" : " (error \(number))"
    return "\(operation.rawValue) \(path): \(reason)\(cause)"
  }
}

extension FileSystemError.Reason: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notFound: "not found"
    case .exists: "exists already"
    case .locked: "locked by another opener"
    case .full: "no space left"
    case .permission: "not permitted"
    case .wrongKind: "not the kind of file that was expected"
    case .tooManyOpen: "too many open files or mappings"
    case .size(let expected, let found): "has \(found) bytes instead of \(expected)"
    case .short: "less was read than there is"
    case .device: "the device failed"
    case .closed: "closed"
    case .remote(let failure): failure.message
    case .other: "failed"
    }
  }
}
