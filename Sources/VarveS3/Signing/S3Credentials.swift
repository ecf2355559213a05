/// Who asks: a pair of keys, and a token where they are for a while only.
public struct S3Credentials: Hashable, Sendable {
  /// The name of the key. Not a secret: it is part of each signature.
  public var accessKey: String
  /// The key.
  public var secretKey: Secret
  /// The token of temporary credentials.
  public var sessionToken: Secret?
  /// When they end, in ms since 1970; nil where they do not, or nobody said.
  public var expires: UInt64?

  /// Credentials; an empty token is none.
  public init(
    accessKey: String, secretKey: Secret, sessionToken: Secret? = nil, expires: UInt64? = nil
  ) {
    self.accessKey = accessKey
    self.secretKey = secretKey
    self.sessionToken = sessionToken.flatMap { $0.revealed.isEmpty ? nil : $0 }
    self.expires = expires
  }

  /// Whether they can stand in a header: none has a control character.
  var canBeSent: Bool {
    [accessKey, secretKey.revealed, sessionToken?.revealed ?? ""].allSatisfy { text in
      text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
    } && !accessKey.isEmpty && !secretKey.revealed.isEmpty
  }
}

extension S3Credentials: CustomStringConvertible, CustomReflectable {
  /// Without the key's name, which logs need not have.
  public var description: String { "S3 credentials" }
  /// Without children.
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}
