import VarveObjects

/// Why there is no answer.
struct HTTPFailure: Error {
  enum Kind {
    /// The server could not be reached: name, network, connection.
    case unreachable
    /// It is not who it must be: TLS.
    case untrusted
    /// The connection broke, or what came was no answer.
    case broken
    /// A limit of time has passed.
    case timeout
    /// The answer is larger than asked for; `status` is what it began with.
    case tooLarge(status: Int)
    case cancelled
    /// The body could not be read from its source.
    case content(ObjectStoreError)
    /// The request cannot be sent by anyone.
    case invalid
    /// There is no libcurl.
    case missing
  }

  let kind: Kind
  /// For a person, without secrets.
  let message: String
  /// Whether the server may have got the request, and carried it out.
  var mayHaveArrived = false

  /// Whether the body has no end: then nobody carries the request out, wherever it arrived.
  var isOfContent: Bool { if case .content = kind { true } else { false } }
}
