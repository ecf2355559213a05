/// What a bucket could not do. Its ``code`` says what to do next.
public struct ObjectStoreError: Error, Sendable {
  /// What kind of failure it is.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Value: String {
      case
        absent, exists, uncertain, archived, denied, unavailable, damaged, unsupported, invalid,
        cancelled, full
    }
    private let value: Value

    /// There is no such object.
    public static let absent = Code(value: .absent)
    /// The object is there, and it was to be made only where it is not.
    public static let exists = Code(value: .exists)
    /// The answer was lost: the request may have been carried out or not, or may be yet.
    public static let uncertain = Code(value: .uncertain)
    /// The object lies in an archive: restore it first.
    public static let archived = Code(value: .archived)
    /// The credentials are missing, wrong or expired, or do not allow it.
    public static let denied = Code(value: .denied)
    /// The bucket did not answer, or asked to be left alone for a while, until the deadline. Nothing was
    /// changed; try again later.
    public static let unavailable = Code(value: .unavailable)
    /// What was answered is not what the bucket said it would be.
    public static let damaged = Code(value: .damaged)
    /// The bucket cannot do this at all.
    public static let unsupported = Code(value: .unsupported)
    /// An argument or option that cannot be meant, or a request the bucket calls wrong.
    public static let invalid = Code(value: .invalid)
    /// ``ObjectStore/close()`` was called.
    public static let cancelled = Code(value: .cancelled)
    /// No room is left, or a quota is used up.
    public static let full = Code(value: .full)

    /// The code's name.
    public var description: String { value.rawValue }
  }

  /// What kind of failure it is.
  public let code: Code
  /// What happened, for a person. Never holds secrets.
  public let message: String
  /// The object it happened to, where there is one.
  public let object: String?

  /// A failure of a backend.
  public init(_ code: Code, _ message: String, object: String? = nil) {
    self.code = code
    self.message = message
    self.object = object
  }
}

extension ObjectStoreError: CustomStringConvertible {
  /// Code, object and message, in one line.
  public var description: String {
    "\(code): \(object.map { "\($0): " } ?? "")\(message)"
  }
}
