import CVarveCurl

/// Runs `body` while SIGPIPE is kept from this thread: libcurl and its TLS may write to a peer who has gone,
/// when they close a connection too. One that came meanwhile is dropped.
func withoutPipeSignal<Result, Failure: Error>(
  _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
  var before = varve_signals()
  unsafe varve_pipe_signal_block(&before)
  defer { unsafe varve_pipe_signal_restore(&before) }
  return try body()
}
