import CVarveCurl
import VarveObjects

/// One transfer on its way: what libcurl asks for and what it brings. Touched by the thread that runs it
/// alone.
final class CurlExchange {
  let request: HTTPRequest
  let easy: CurlEasy

  /// Bytes of the body that libcurl took, and the piece they come from.
  private var sent: UInt64 = 0
  private var piece: [UInt8] = []
  private var pieceStart: UInt64 = 0
  private var contentError: ObjectStoreError?

  private var status = 0
  private var headers = HTTPHeaders()
  private var headBytes = 0
  private var isHeadWhole = false
  private var body: [UInt8] = []
  private var isTooLarge = false

  /// Whether a byte came or went since somebody asked.
  private var moved = false

  private static let pieceBytes: UInt64 = 1 << 20

  init(_ request: HTTPRequest, _ easy: CurlEasy) {
    self.request = request
    self.easy = easy
  }

  /// Whether all was sent and no answer has come; an interim one (100 Continue) is none.
  var awaitsFirstByte: Bool { sent == request.body.count && status < 200 }

  func takeMoved() -> Bool {
    defer { moved = false }
    return moved
  }
}

// MARK: - Sending

extension CurlExchange {
  /// Fills `buffer` with what comes next of the body: how many bytes, or `VARVE_CURL_READ_ABORT`.
  func fill(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
    let left = request.body.count - sent
    guard left > 0 else { return 0 }
    moved = true
    do throws(ObjectStoreError) {
      if sent < pieceStart || sent >= pieceStart + UInt64(piece.count) { try loadPiece() }
    } catch {
      contentError = error
      return VARVE_CURL_READ_ABORT
    }
    let from = Int(sent - pieceStart)
    let count = min(buffer.count, piece.count - from)
    unsafe piece.withUnsafeBytes { bytes in
      unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[from..<from + count]))
    }
    sent += UInt64(count)
    return count
  }

  private func loadPiece() throws(ObjectStoreError) {
    let start = request.body.range.lowerBound + sent
    let end = min(start + Self.pieceBytes, request.body.range.upperBound)
    piece = try request.body.content.piece(start..<end)
    pieceStart = sent
  }

  /// Goes to a place of the body: libcurl sends it again from there.
  func seek(to offset: Int64) -> Bool {
    guard offset >= 0, UInt64(offset) <= request.body.count else { return false }
    sent = UInt64(offset)
    return true
  }
}

// MARK: - Receiving

extension CurlExchange {
  /// Takes a line of a head; false ends the transfer.
  func takeHead(_ line: UnsafeRawBufferPointer) -> Bool {
    moved = true
    headBytes += line.count
    guard headBytes <= HTTPLimits.head else { return false }
    let text = unsafe String(decoding: line, as: UTF8.self)
    // What follows a body in pieces is no part of the head.
    guard body.isEmpty else { return true }
    if text.hasPrefix("HTTP/") { return begin(text) }
    if text == "\r\n" || text == "\n" {
      isHeadWhole = status >= 200
      if isHeadWhole { makeRoom() }
    } else if !isHeadWhole, let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) {
      let value = text[text.utf8.index(after: colon)...]
      headers.add(Self.trimmed(text[..<colon]), Self.trimmed(value))
    }
    return true
  }

  /// Begins a head; those of interim answers (100 Continue) come before the one that counts.
  private func begin(_ line: String) -> Bool {
    let words = line.split(separator: " ", maxSplits: 2)
    guard words.count >= 2, let number = UInt64(digits: words[1].prefix { $0.isNumber }),
      (100...999).contains(number)
    else { return false }
    status = Int(number)
    headers = HTTPHeaders()
    isHeadWhole = false
    return true
  }

  private static func trimmed(_ text: Substring) -> String {
    // By bytes: characters take a tenth of a whole scan's time.
    var bytes = text.utf8
    while let first = bytes.first, isBlank(first) { bytes.removeFirst() }
    while let last = bytes.last, isBlank(last) { bytes.removeLast() }
    return String(Substring(bytes))
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || (9...13).contains(byte)
  }

  private var bodyLimit: Int {
    status < 300 ? request.limits.body : HTTPLimits.errorBody
  }

  /// Room for what is announced, but not for more than it is likely to be true.
  private func makeRoom() {
    let announced = Int(clamping: headers.number("content-length") ?? 0)
    body.reserveCapacity(min(announced, bodyLimit, 64 << 20))
  }

  /// Takes bytes of the body; false ends the transfer.
  func takeBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
    moved = true
    let room = bodyLimit - body.count
    guard bytes.count <= room else {
      isTooLarge = true
      if status >= 300 { unsafe body.append(contentsOf: bytes.prefix(room)) }
      return false
    }
    unsafe body.append(contentsOf: bytes)
    return true
  }
}

// MARK: - The outcome

extension CurlExchange {
  /// What libcurl's result means.
  func response(_ result: Int32) throws(HTTPFailure) -> HTTPResponse {
    if let contentError { throw failure(.content(contentError), "the content could not be read") }
    if isTooLarge {
      // The beginning of what a server says of a failure is enough.
      if status >= 300 { return answer }
      throw failure(.tooLarge(status: status), "the answer is longer than asked for")
    }
    guard result == 0 else {
      throw failure(Self.kind(of: result), Self.text(of: result))
    }
    // libcurl takes a connection that was closed within the head for its end.
    guard isHeadWhole else { throw failure(.broken, "the answer ended within its head") }
    return answer
  }

  private var answer: HTTPResponse { HTTPResponse(status: status, headers: headers, body: body) }

  func failure(_ kind: HTTPFailure.Kind, _ text: String) -> HTTPFailure {
    HTTPFailure(
      kind: kind, message: "\(request.origin.authority): \(text)", mayHaveArrived: easy.hasSent)
  }

  /// What libcurl says of it; of names the same in all its versions.
  private static func text(of result: Int32) -> String {
    switch result {
    case 5: "could not resolve the name of the proxy"
    case 6: "could not resolve the name"
    default: unsafe String(cString: varve_curl_error_text(result))
    }
  }

  /// By libcurl's error codes, https://curl.se/libcurl/c/libcurl-errors.html.
  private static func kind(of result: Int32) -> HTTPFailure.Kind {
    switch result {
    case 5, 6, 7: .unreachable
    case 28: .timeout
    case 51, 58, 60, 66, 77, 82, 83, 90, 91: .untrusted
    case 3: .invalid
    default: .broken
    }
  }
}
