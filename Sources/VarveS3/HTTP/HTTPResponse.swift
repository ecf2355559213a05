/// An answer: its head arrived whole, its body whole or, of an error, its beginning.
struct HTTPResponse: Sendable {
  var status: Int
  var headers: HTTPHeaders
  var body: [UInt8]

  init(status: Int, headers: HTTPHeaders = HTTPHeaders(), body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  var isSuccess: Bool { (200...299).contains(status) }

  /// The server's clock, in ms since 1970.
  var serverTime: UInt64? {
    headers["date"].flatMap(CivilTime.init(header:)).map(\.milliseconds)
  }
}

extension HTTPResponse: CustomStringConvertible, CustomReflectable {
  /// The status alone: some bodies are credentials.
  var description: String { "status \(status)" }
  var customMirror: Mirror { Mirror(self, children: [:]) }
}
