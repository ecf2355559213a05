import VarveObjects
import VarvePlatform

/// The credentials in use: found once, renewed five minutes before they end, by one caller while the
/// others go on with the old ones or wait where there are none.
final class CredentialCache: Sendable {
  static let renewalMilliseconds: UInt64 = 300_000
  /// Between two tries to renew what still holds, or to find what was not there.
  static let pauseMilliseconds: UInt64 = 30_000

  private struct State {
    var known: S3Credentials?
    var isAsking = false
    var lastTry: UInt64?
    var problem: CredentialProblem?
  }

  private let providers: [any CredentialProvider]
  private let clock: any Clock
  private let state = Monitor(State())

  init(_ providers: [any CredentialProvider], _ clock: any Clock) {
    self.providers = providers
    self.clock = clock
  }

  /// Credentials that hold.
  ///
  /// - Throws: `.denied` where there are none; `.unavailable` where who knows them did not answer.
  func credentials() throws(ObjectStoreError) -> S3Credentials {
    while true {
      let now = clock.wallMilliseconds()
      switch state.withLock({ Self.step(&$0, now) }) {
      case .have(let credentials): return credentials
      case .problem(let problem): throw Self.error(problem)
      case .wait: _ = state.wait { !$0.isAsking }
      case .ask: ask()
      }
    }
  }

  /// The bucket refused these: they are asked for again, unless that was done since.
  ///
  /// - Returns: whether others may come; those that were given are all there are.
  func refuse(_ credentials: S3Credentials) -> Bool {
    guard providers.contains(where: { !($0 is FixedProvider) }) else { return false }
    state.withLock { state in
      guard state.known == credentials else { return }
      state.known = nil
      state.lastTry = nil
    }
    return true
  }

  private enum Step {
    case have(S3Credentials)
    case problem(CredentialProblem)
    case wait
    case ask
  }

  private static func step(_ state: inout State, _ now: UInt64) -> Step {
    let rests = state.lastTry.map { now >= $0 && now - $0 < pauseMilliseconds } ?? false
    let known = state.known.flatMap { ($0.expires ?? .max) > now ? $0 : nil }
    if let known {
      let isFresh = (known.expires ?? .max) - now > renewalMilliseconds
      if isFresh || state.isAsking || rests { return .have(known) }
    } else {
      if state.isAsking { return .wait }
      if rests, let problem = state.problem { return .problem(problem) }
    }
    state.isAsking = true
    state.lastTry = now
    return .ask
  }

  private func ask() {
    let found = Result { () throws(CredentialProblem) in try find() }
    state.withLock { state in
      state.isAsking = false
      switch found {
      case .success(let credentials):
        state.known = credentials
        state.problem = nil
      case .failure(let problem): state.problem = problem
      }
    }
    state.broadcast()
  }

  private func find() throws(CredentialProblem) -> S3Credentials {
    for provider in providers {
      guard let found = try provider.credentials() else { continue }
      guard found.canBeSent else {
        throw CredentialProblem(message: "the credentials are not of plain characters")
      }
      if let end = found.expires, end <= clock.wallMilliseconds() {
        throw CredentialProblem(message: "the credentials have ended", isPassing: true)
      }
      return found
    }
    throw CredentialProblem(message: "no credentials were found")
  }

  private static func error(_ problem: CredentialProblem) -> ObjectStoreError {
    ObjectStoreError(problem.isPassing ? .unavailable : .denied, problem.message)
  }
}

/// Credentials that were given.
struct FixedProvider: CredentialProvider {
  let given: S3Credentials

  func credentials() throws(CredentialProblem) -> S3Credentials? { given }
}
