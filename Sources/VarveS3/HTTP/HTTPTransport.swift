/// What carries requests to servers. Calls block their thread and come from many threads at once.
///
/// A transport verifies TLS, follows no redirects, asks for no compression, holds the request's limits,
/// reads the body from its beginning again wherever it must send it again, and returns only answers
/// whose head was whole.
protocol HTTPTransport: AnyObject, Sendable {
  func send(
    _ request: HTTPRequest, _ cancellation: HTTPCancellation
  ) throws(HTTPFailure) -> HTTPResponse
}
