import Glibc
import VarvePlatform

@testable import VarveS3

/// A server of this process, on a port of 127.0.0.1, that does with each connection what the test says.
final class ScriptedServer: Sendable {
  /// A connection, as the script sees it.
  struct Peer: Sendable {
    let socket: Int32
    /// The how-many-eth of all.
    let number: Int

    /// The head of a request, with its line ends; empty where the client has gone.
    func head() -> String {
      var bytes: [UInt8] = []
      var byte: UInt8 = 0
      while unsafe recv(socket, &byte, 1, 0) == 1 {
        bytes.append(byte)
        if bytes.suffix(4) == [13, 10, 13, 10] { break }
      }
      return String(decoding: bytes, as: UTF8.self)
    }

    /// Exactly so many bytes, or as many as came before the end.
    func bytes(_ count: Int) -> [UInt8] {
      var bytes: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 65_536)
      while bytes.count < count {
        let got = unsafe recv(socket, &buffer, min(buffer.count, count - bytes.count), 0)
        guard got > 0 else { break }
        bytes += buffer[..<got]
      }
      return bytes
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) {
      var rest = bytes[...]
      while !rest.isEmpty {
        let sent = unsafe rest.withUnsafeBytes { buffer in
          unsafe Glibc.send(socket, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
        }
        guard sent > 0 else { return }
        rest = rest.dropFirst(sent)
      }
    }

    /// Lets the end of the connection be a reset.
    func reset() {
      var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
      unsafe setsockopt(
        socket, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
    }

    /// Waits until the client closes, 20 s at most.
    func untilClosed() {
      var timeout = timeval(tv_sec: 20, tv_usec: 0)
      unsafe setsockopt(
        socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
      while !bytes(1).isEmpty {}
    }
  }

  private struct State: Sendable {
    var accepted = 0
    var threads: [WorkerThread] = []
  }

  let origin: HTTPOrigin
  private let listener: Int32
  private let state = Monitor(State())
  private let acceptor: WorkerThread

  init(_ script: @escaping @Sendable (Peer) -> Void) throws {
    let listener = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let port = unsafe withUnsafeMutableBytes(of: &address) { bytes in
      let pointer = unsafe bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(
        to: sockaddr.self)
      unsafe bind(listener, pointer, length)
      unsafe getsockname(listener, pointer, &length)
      return unsafe UInt16(bytes[2]) << 8 | UInt16(bytes[3])
    }
    listen(listener, 64)
    self.listener = listener
    origin = HTTPOrigin(isSecure: false, host: "127.0.0.1", port: port)
    let state = state
    acceptor = try WorkerThread(name: "test server") {
      while true {
        let socket = accept(listener, nil, nil)
        guard socket >= 0 else { return }
        let number = state.withLock { state in
          state.accepted += 1
          return state.accepted
        }
        let thread = try? WorkerThread(name: "test peer") {
          script(Peer(socket: socket, number: number))
          Glibc.close(socket)
        }
        if let thread { state.withLock { $0.threads.append(thread) } }
      }
    }
  }

  /// How many connections there were.
  var accepted: Int { state.withLock { $0.accepted } }

  /// Ends it, when all connections are closed.
  func close() {
    shutdown(listener, Int32(SHUT_RDWR))
    Glibc.close(listener)
    acceptor.join()
    for thread in state.withLock({ $0.threads }) { thread.join() }
  }
}
