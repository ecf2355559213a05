/// A profile of the AWS tools' files: keys, a program that prints them (`credential_process`), a role for
/// a web identity, or a role that another profile may take (`source_profile`).
struct ProfileProvider: CredentialProvider {
  let world: CredentialWorld
  let region: String
  /// Nil for `AWS_PROFILE`, and `default` where that is not set.
  let name: String?

  private static let programNanoseconds: UInt64 = 60_000_000_000
  private static let mostSteps = 5

  func credentials() throws(CredentialProblem) -> S3Credentials? {
    let asked = name ?? world.surroundings.variable("AWS_PROFILE")
    let files = self.files
    guard let settings = files.settings(of: asked ?? "default") else {
      guard let asked else { return nil }
      throw CredentialProblem(message: "there is no profile \(asked)")
    }
    return try credentials(settings, files, step: 0, isNamed: asked != nil)
  }

  /// The two files; the one with credentials is asked first.
  private struct Files {
    let credentials: ProfileFile
    let config: ProfileFile

    func settings(of name: String) -> [String: String]? {
      let other = config[name == "default" ? name : "profile \(name)"]
      guard let own = credentials[name] else { return other }
      return own.merging(other ?? [:]) { own, _ in own }
    }
  }

  private var files: Files {
    let (variable, file) = (world.surroundings.variable, world.surroundings.file)
    let home = variable("HOME") ?? ""
    let credentials = variable("AWS_SHARED_CREDENTIALS_FILE") ?? "\(home)/.aws/credentials"
    let config = variable("AWS_CONFIG_FILE") ?? "\(home)/.aws/config"
    return Files(
      credentials: ProfileFile(file(credentials) ?? []), config: ProfileFile(file(config) ?? []))
  }

  /// Nil where the profile has no credentials, and nobody asked for it by name.
  private func credentials(
    _ settings: [String: String], _ files: Files, step: Int, isNamed: Bool
  ) throws(CredentialProblem) -> S3Credentials? {
    if let role = settings["role_arn"] {
      return try assume(role, settings, files, step: step)
    }
    if let key = settings["aws_access_key_id"], let secret = settings["aws_secret_access_key"] {
      return S3Credentials(
        accessKey: key, secretKey: Secret(secret),
        sessionToken: settings["aws_session_token"].map(Secret.init))
    }
    if let command = settings["credential_process"] { return try run(command) }
    guard isNamed else { return nil }
    throw CredentialProblem(
      message: "the profile has neither keys nor credential_process nor role_arn; "
        + "single sign-on is not supported, use credential_process")
  }

  private func assume(
    _ role: String, _ settings: [String: String], _ files: Files, step: Int
  ) throws(CredentialProblem) -> S3Credentials {
    let session = settings["role_session_name"]
    if let path = settings["web_identity_token_file"] {
      return try WebIdentityProvider.credentials(
        tokenPath: path, role: role, session: session, world, region)
    }
    guard let source = settings["source_profile"], step < Self.mostSteps,
      var base = files.settings(of: source)
    else {
      throw CredentialProblem(message: "a role without a source_profile that exists")
    }
    // A profile may take its role by its own keys.
    if base == settings { base["role_arn"] = nil }
    guard let own = try credentials(base, files, step: step + 1, isNamed: true) else {
      throw CredentialProblem(message: "the source_profile has no credentials")
    }
    return try TokenService(world: world, region: region).credentials(
      role: role, session: session ?? "varve", externalID: settings["external_id"], of: own)
  }

  private func run(_ command: String) throws(CredentialProblem) -> S3Credentials {
    let output: [UInt8]
    do throws(HelperProgram.Problem) {
      output = try HelperProgram.output(
        of: command, within: Self.programNanoseconds, world.cancellation)
    } catch {
      throw CredentialProblem(message: error.message, isPassing: true)
    }
    guard JSONFields(output)?["Version"] == "1",
      let credentials = S3Credentials(json: output, token: "SessionToken")
    else { throw CredentialProblem(message: "credential_process printed no credentials") }
    return credentials
  }
}
