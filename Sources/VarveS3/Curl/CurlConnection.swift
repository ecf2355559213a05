import CVarveCurl

/// A libcurl multi handle, with the connections it keeps to servers, and the easy handles that use them.
/// One thread at a time has it; only `wake` is for all.
@safe
final class CurlConnection: @unchecked Sendable {
  // @unchecked: owned by the pool or by one caller, never by both; `wake` is made for other threads.
  private let multi: UnsafeMutableRawPointer
  private var spare: [CurlEasy] = []

  /// Fails where memory ran out, or where libcurl cannot be loaded.
  init() throws(HTTPFailure) {
    if let problem = unsafe varve_curl_load() {
      throw HTTPFailure(kind: .missing, message: unsafe String(cString: problem))
    }
    guard let multi = unsafe varve_curl_multi_new() else { throw CurlEasy.noMemory }
    unsafe self.multi = multi
  }

  deinit {
    withoutPipeSignal {
      spare = []
      unsafe varve_curl_multi_free(multi)
    }
  }

  /// An easy handle without options.
  func takeEasy() throws(HTTPFailure) -> CurlEasy {
    guard let easy = spare.popLast() else { return try CurlEasy() }
    easy.reset()
    return easy
  }

  /// Keeps a handle for later, whose transfer went well.
  func giveBack(_ easy: CurlEasy) { spare.append(easy) }

  func add(_ easy: CurlEasy) -> Int32 { unsafe varve_curl_multi_add(multi, easy.pointer) }

  /// Ends the transfer, where it still runs; its connection is closed then.
  func remove(_ easy: CurlEasy) { unsafe _ = varve_curl_multi_remove(multi, easy.pointer) }

  /// Does what can be done without waiting.
  func step() -> Int32 { unsafe varve_curl_multi_step(multi) }

  /// A transfer that is over, by its handle, and its result.
  func finished() -> (UnsafeMutableRawPointer, Int32)? {
    var result: Int32 = 0
    guard let easy = unsafe varve_curl_multi_finished(multi, &result) else { return nil }
    return unsafe (easy, result)
  }

  func wait(milliseconds: Int32) -> Int32 {
    unsafe varve_curl_multi_wait(multi, milliseconds)
  }

  /// Ends a wait, from any thread.
  func wake() { unsafe _ = varve_curl_multi_wake(multi) }
}

/// A libcurl easy handle: one transfer.
@safe
final class CurlEasy {
  let pointer: UnsafeMutableRawPointer
  private var lines: UnsafeMutableRawPointer?
  /// The first error of an option; libcurl is not used where there is one.
  private(set) var problem: Int32 = 0

  static let noMemory = HTTPFailure(kind: .broken, message: "libcurl has no memory")

  init() throws(HTTPFailure) {
    guard let pointer = unsafe varve_curl_easy_new() else { throw Self.noMemory }
    unsafe self.pointer = pointer
  }

  deinit {
    unsafe varve_curl_list_free(lines)
    unsafe varve_curl_easy_free(pointer)
  }

  func reset() {
    unsafe varve_curl_easy_reset(pointer)
    unsafe varve_curl_list_free(lines)
    unsafe lines = nil
    problem = 0
  }

  func set(_ option: Int, _ number: Int64) {
    note(unsafe varve_curl_set_number(pointer, Int32(option), number))
  }

  /// The same where it is no harm that an older libcurl does not know it.
  func setIfKnown(_ option: Int, _ number: Int64) {
    unsafe _ = varve_curl_set_number(pointer, Int32(option), number)
  }

  func set(_ option: Int, _ text: String) {
    note(unsafe varve_curl_set_text(pointer, Int32(option), text))
  }

  func set(_ option: Int, context: UnsafeMutableRawPointer) {
    note(unsafe varve_curl_set_pointer(pointer, Int32(option), context))
  }

  func set(_ option: Int, _ callback: varve_curl_data) {
    note(unsafe varve_curl_set_data(pointer, Int32(option), callback))
  }

  func set(_ option: Int, seek: varve_curl_seek) {
    note(unsafe varve_curl_set_seek(pointer, Int32(option), seek))
  }

  /// Header lines, as they are sent.
  func setLines(_ texts: [String]) throws(HTTPFailure) {
    for text in texts {
      guard let longer = unsafe varve_curl_list_append(lines, text) else { throw Self.noMemory }
      unsafe lines = longer
    }
    note(unsafe varve_curl_set_pointer(pointer, Int32(VARVE_CURL_HTTPHEADER), lines))
  }

  /// Whether any byte of the request was sent.
  var hasSent: Bool {
    unsafe varve_curl_get_number(pointer, Int32(VARVE_CURL_INFO_REQUEST_SIZE)) != 0
  }

  private func note(_ result: Int32) {
    if problem == 0 { problem = result }
  }
}
