/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, of temporary ones, `AWS_SESSION_TOKEN`.
struct EnvironmentProvider: CredentialProvider {
  let surroundings: Surroundings

  func credentials() throws(CredentialProblem) -> S3Credentials? {
    guard let key = surroundings.variable("AWS_ACCESS_KEY_ID"),
      let secret = surroundings.variable("AWS_SECRET_ACCESS_KEY")
    else { return nil }
    return S3Credentials(
      accessKey: key, secretKey: Secret(secret),
      sessionToken: surroundings.variable("AWS_SESSION_TOKEN").map(Secret.init))
  }
}
