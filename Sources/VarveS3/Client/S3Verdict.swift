import VarveObjects

/// What an answer means for the request: pure, so that one table of cases tests it.
///
/// By "Error Responses" and "Conditional writes" of the S3 documentation, and by what other stores were
/// seen to answer.
enum S3Verdict: Equatable {
  case done
  /// Worth another try; `isUncertain` where this one may have been carried out.
  case again(isUncertain: Bool)
  /// A success that lacks what it must have.
  case garbled
  /// The bucket is elsewhere.
  case otherRegion(String?)
  /// The server's clock is not ours.
  case otherTime
  /// The credentials may have run out.
  case otherCredentials
  case failed(ObjectStoreError.Code)

  /// - Parameters:
  ///   - status: the answer's, or the one of the failure inside it.
  ///   - region: where the bucket was thought to be.
  ///   - time: when the call was signed, in ms since 1970.
  init(
    _ response: HTTPResponse, status: Int, code: String, to call: S3Call, region: String,
    at time: UInt64
  ) {
    if call.accepts.contains(status) || call.acceptedCodes.contains(code) {
      self = .done
    } else if (200...299).contains(status) {
      self = call.isComplete(response) ? .done : .garbled
    } else if status >= 500 {
      self = Self.ofServerError(status, code, isInside: response.isSuccess)
    } else {
      self =
        Self.elsewhere(response, status, code, region)
        ?? (call.method == .head && code.isEmpty
          ? Self.ofSilentRefusal(response, time) : Self.ofRefusal(status, code))
    }
  }

  /// - Parameter isInside: whether it is said inside a success, which was begun before.
  private static func ofServerError(
    _ status: Int, _ code: String, isInside: Bool
  ) -> S3Verdict {
    switch status {
    case 501, 505: .failed(.unsupported)
    case 507: .failed(.full)
    // S3 says it before anything is done. Other words for it, or none, may be of someone between, who
    // did not wait for the end.
    case 503 where code == "SlowDown" && !isInside: .again(isUncertain: false)
    default: .again(isUncertain: true)
    }
  }

  private static func elsewhere(
    _ response: HTTPResponse, _ status: Int, _ code: String, _ region: String
  ) -> S3Verdict? {
    let told = response.headers["x-amz-bucket-region"]
    if status == 301 || status == 307 || code == "AuthorizationHeaderMalformed" {
      return .otherRegion(told)
    }
    if status == 400 || status == 403, let told, told != region { return .otherRegion(told) }
    return nil
  }

  /// What an answer to HEAD means, which has no body that says it.
  private static func ofSilentRefusal(_ response: HTTPResponse, _ time: UInt64) -> S3Verdict {
    switch response.status {
    case 404: return .failed(.absent)
    // Credentials that ran out. A 403 is rather one that may not see the object.
    case 400: return .otherCredentials
    case 403:
      guard let told = response.serverTime else { return .failed(.denied) }
      return max(told, time) - min(told, time) > mostSkew ? .otherTime : .failed(.denied)
    default: return ofRefusal(response.status, "")
    }
  }

  /// How far from the server's a clock may be, in ms.
  private static let mostSkew: UInt64 = 15 * 60 * 1000

  private static func ofRefusal(_ status: Int, _ code: String) -> S3Verdict {
    if let known = codes[code] { return known }
    switch status {
    case 408, 429: return .again(isUncertain: false)
    case 409: return .again(isUncertain: false)
    // No word of the bucket's: a proxy does not find it, for the moment perhaps.
    case 404: return .again(isUncertain: true)
    case 405: return .failed(.unsupported)
    case 401, 403: return .failed(.denied)
    default: return .failed(.invalid)
    }
  }

  /// What says more than the status.
  private static let codes: [String: S3Verdict] = [
    "RequestTimeTooSkewed": .otherTime,
    "ExpiredToken": .otherCredentials,
    "TokenRefreshRequired": .otherCredentials,
    "ExpiredTokenException": .otherCredentials,
    "RequestTimeout": .again(isUncertain: false),
    "IncompleteBody": .again(isUncertain: false),
    "BadDigest": .again(isUncertain: false),
    "XAmzContentSHA256Mismatch": .again(isUncertain: false),
    "InvalidObjectState": .failed(.archived),
    "InvalidStorageClass": .failed(.unsupported),
    "NotImplemented": .failed(.unsupported),
    "QuotaExceeded": .failed(.full),
    "InvalidToken": .failed(.denied),
    "NoSuchKey": .failed(.absent),
    "NoSuchVersion": .failed(.absent),
    "NoSuchBucket": .failed(.invalid),
    // Someone gave it up: the object can be put once more, from its beginning.
    "NoSuchUpload": .failed(.unavailable),
  ]

  /// The status that a failure inside a success would have had.
  static func status(ofInner code: String) -> Int {
    switch code {
    case "PreconditionFailed": 412
    case "ConditionalRequestConflict", "OperationAborted": 409
    case "NoSuchUpload", "NoSuchKey", "NoSuchBucket": 404
    case "AccessDenied", "InvalidObjectState": 403
    case "SlowDown", "ServiceUnavailable": 503
    case "NotImplemented": 501
    case "InvalidPart", "InvalidPartOrder", "EntityTooSmall", "InvalidRequest": 400
    default: 500
    }
  }
}
