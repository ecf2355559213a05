/// Where credentials come from.
public struct S3CredentialSource: Sendable {
  enum Kind: Sendable {
    case chain(profile: String?)
    case fixed(S3Credentials)
  }
  let kind: Kind

  /// The first of these that there are, as the AWS tools have it: environment variables
  /// (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`), a web identity
  /// (`AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_ROLE_ARN`), the profile `AWS_PROFILE` or `default` of
  /// `~/.aws/credentials` and `~/.aws/config`, the container's, the machine's (IMDSv2).
  /// Those that end are renewed five minutes before they do.
  public static let chain = S3CredentialSource(kind: .chain(profile: nil))

  /// A profile of `~/.aws/credentials` and `~/.aws/config`.
  public static func profile(_ name: String) -> S3CredentialSource {
    S3CredentialSource(kind: .chain(profile: name))
  }

  /// These.
  public static func fixed(_ credentials: S3Credentials) -> S3CredentialSource {
    S3CredentialSource(kind: .fixed(credentials))
  }
}
