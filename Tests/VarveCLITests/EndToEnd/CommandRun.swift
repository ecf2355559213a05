import Testing
import VarveTestSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// One run of the built executable as a process of its own: what a shell would see.
struct CommandRun {
  var status: Int32
  var output: [UInt8]
  var errors: String

  var text: String { String(decoding: output, as: UTF8.self) }
  var lines: [String] { text.split(separator: "\n").map(String.init) }

  /// Runs `varve`, or another program, with `words`, `input` as its standard input.
  init(
    _ words: [String], input: [UInt8] = [], environment: [String: String] = [:],
    program: String = CommandRun.executable
  ) throws {
    let files = try Scratch()
    try files.write(input, to: "input")
    let identifier = try Self.spawn(program, words, files, environment)
    status = try Self.wait(for: identifier)
    output = try files.read("output")
    errors = String(decoding: try files.read("errors"), as: UTF8.self)
  }

  init(_ words: String..., input: String = "") throws {
    try self.init(words, input: Array(input.utf8))
  }
}

// MARK: - Processes

/// The system refused to run the executable.
struct SpawnFailure: Error {
  var number: Int32
}

extension CommandRun {
  /// The executable lies beside the bundle of tests that is running.
  static let executable: String = {
    var path = [CChar](repeating: 0, count: 4096)
    let count = unsafe readlink("/proc/self/exe", &path, path.count - 1)
    let running = String(
      decoding: path.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let words = [running] + CommandLine.arguments
    for word in words {
      guard let slash = word.lastIndex(of: "/") else { continue }
      let candidate = String(word[...slash]) + "varve"
      if unsafe access(candidate, X_OK) == 0 { return candidate }
    }
    return "varve"
  }()

  private static func spawn(
    _ program: String, _ words: [String], _ files: Scratch, _ environment: [String: String]
  ) throws -> pid_t {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, files.path("input"), O_RDONLY, 0)
    for (descriptor, name) in [(Int32(1), "output"), (2, "errors")] {
      unsafe posix_spawn_file_actions_addopen(
        &actions, descriptor, files.path(name), O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    }
    var arguments = unsafe ([program] + words).map { unsafe strdup($0) } + [nil]
    var variables = unsafe environment.map { unsafe strdup("\($0)=\($1)") } + [nil]
    defer {
      unsafe arguments.forEach { unsafe free($0) }
      unsafe variables.forEach { unsafe free($0) }
    }
    var identifier: pid_t = 0
    let failure = unsafe posix_spawn(
      &identifier, program, &actions, nil, &arguments, &variables)
    guard failure == 0 else { throw SpawnFailure(number: failure) }
    return identifier
  }

  private static func wait(for identifier: pid_t) throws -> Int32 {
    var status: Int32 = 0
    while unsafe waitpid(identifier, &status, 0) < 0 {
      guard errno == EINTR else { throw SpawnFailure(number: errno) }
    }
    // A process that a signal ended is shown as 128 and the signal's number, as shells do.
    let signal = status & 0x7f
    return signal == 0 ? status >> 8 & 0xff : 128 + signal
  }
}

// MARK: - Files around a run

/// A directory for the three streams of a run, removed with it.
private final class Scratch {
  private let directory: String

  init() throws {
    var template = Array("/tmp/varve-cli-XXXXXX".utf8CString)
    guard unsafe mkdtemp(&template) != nil else { throw SpawnFailure(number: errno) }
    directory = String(
      decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    for name in ["input", "output", "errors"] { unsafe unlink(path(name)) }
    unsafe rmdir(directory)
  }

  func path(_ name: String) -> String { "\(directory)/\(name)" }

  func write(_ bytes: [UInt8], to name: String) throws { try writeFile(bytes, path(name)) }

  func read(_ name: String) throws -> [UInt8] { try readFile(path(name)) }
}

/// Writes a whole file.
func writeFile(_ bytes: [UInt8], _ path: String) throws {
  let file = unsafe fopen(path, "w")
  guard unsafe file != nil else { throw SpawnFailure(number: errno) }
  defer { unsafe fclose(file) }
  guard unsafe fwrite(bytes, 1, bytes.count, file) == bytes.count else {
    throw SpawnFailure(number: errno)
  }
}

/// Reads a whole file.
func readFile(_ path: String) throws -> [UInt8] {
  let file = unsafe fopen(path, "r")
  guard unsafe file != nil else { throw SpawnFailure(number: errno) }
  defer { unsafe fclose(file) }
  var all: [UInt8] = []
  var piece = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = unsafe fread(&piece, 1, piece.count, file)
    if count == 0 { return all }
    all += piece.prefix(count)
  }
}
