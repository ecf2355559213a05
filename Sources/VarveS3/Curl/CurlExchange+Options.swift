import CVarveCurl

extension CurlExchange {
  /// Gives the handle all options of the request. `self` must live until the transfer is over.
  func prepare(caFile: String?) throws(HTTPFailure) {
    setPolicy(caFile)
    setCallbacks()
    try setRequest()
    guard easy.problem == 0 else {
      throw HTTPFailure(kind: .missing, message: "libcurl refuses an option: \(easy.problem)")
    }
  }

  /// What holds for all requests. TLS is verified unless an option says otherwise, and none does.
  private func setPolicy(_ caFile: String?) {
    easy.set(VARVE_CURL_NOSIGNAL, 1)
    easy.set(VARVE_CURL_NOPROGRESS, 1)
    easy.set(VARVE_CURL_FOLLOWLOCATION, 0)
    // What a proxy says of its tunnel is no part of the answer.
    easy.set(VARVE_CURL_SUPPRESS_CONNECT_HEADERS, 1)
    // A name that is still looked up when the time is over is not waited for (7.87 and newer).
    easy.setIfKnown(VARVE_CURL_QUICK_EXIT, 1)
    easy.set(VARVE_CURL_PATH_AS_IS, 1)
    // HTTP and HTTPS; HTTP/1.1.
    easy.set(VARVE_CURL_PROTOCOLS, 3)
    easy.set(VARVE_CURL_HTTP_VERSION, 2)
    easy.set(VARVE_CURL_HTTP09_ALLOWED, 0)
    easy.set(VARVE_CURL_HTTP_CONTENT_DECODING, 0)
    easy.set(VARVE_CURL_BUFFERSIZE, 256 << 10)
    easy.set(VARVE_CURL_UPLOAD_BUFFERSIZE, 512 << 10)
    // Servers close what is idle for longer; names may lead elsewhere after a while.
    easy.set(VARVE_CURL_MAXAGE_CONN, 20)
    easy.setIfKnown(VARVE_CURL_MAXLIFETIME_CONN, 300)
    if let caFile { easy.set(VARVE_CURL_CAINFO, caFile) }
    if request.isDirect { easy.set(VARVE_CURL_NOPROXY, "*") }
  }

  private func setCallbacks() {
    // Unretained: the caller of `prepare` keeps `self`.
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    unsafe easy.set(VARVE_CURL_HEADERDATA, context: context)
    unsafe easy.set(VARVE_CURL_WRITEDATA, context: context)
    unsafe easy.set(VARVE_CURL_READDATA, context: context)
    unsafe easy.set(VARVE_CURL_SEEKDATA, context: context)
    unsafe easy.set(VARVE_CURL_HEADERFUNCTION) { bytes, size, count, context in
      unsafe CurlExchange.at(context).takeHead(
        UnsafeRawBufferPointer(start: bytes, count: size * count))
        ? size * count : 0
    }
    unsafe easy.set(VARVE_CURL_WRITEFUNCTION) { bytes, size, count, context in
      unsafe CurlExchange.at(context).takeBody(
        UnsafeRawBufferPointer(start: bytes, count: size * count))
        ? size * count : 0
    }
    unsafe easy.set(VARVE_CURL_READFUNCTION) { bytes, size, count, context in
      unsafe CurlExchange.at(context).fill(
        UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
    }
    unsafe easy.set(VARVE_CURL_SEEKFUNCTION) { context, offset, _ in
      unsafe CurlExchange.at(context).seek(to: offset) ? 0 : 1
    }
  }

  /// The exchange libcurl was given.
  private static func at(_ context: UnsafeMutableRawPointer?) -> CurlExchange {
    unsafe Unmanaged<CurlExchange>.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue()
  }

  private func setRequest() throws(HTTPFailure) {
    easy.set(VARVE_CURL_URL, request.address)
    easy.set(VARVE_CURL_CONNECTTIMEOUT_MS, Int64(request.limits.connect / 1_000_000))
    if request.needsFreshConnection { easy.set(VARVE_CURL_FRESH_CONNECT, 1) }
    switch request.method {
    case .get: break
    case .head: easy.set(VARVE_CURL_NOBODY, 1)
    case .put, .post:
      easy.set(VARVE_CURL_UPLOAD, 1)
      easy.set(VARVE_CURL_INFILESIZE_LARGE, Int64(request.body.count))
      easy.set(VARVE_CURL_CUSTOMREQUEST, request.method.rawValue)
    case .delete: easy.set(VARVE_CURL_CUSTOMREQUEST, request.method.rawValue)
    }
    try easy.setLines(lines)
  }

  /// Header lines; those libcurl would add by itself are taken away by an empty value.
  private var lines: [String] {
    // Worth waiting for where a refusal saves sending much.
    let expects = request.body.count >= 1 << 20
    return request.headers.fields.map { "\($0.name): \($0.value)" }
      + [expects ? "expect: 100-continue" : "expect:", "accept:"]
  }
}
