import VarveFormat
import VarvePlatform

/// An open file of a simulated disk.
final class SimulatedFile: File {
  let name: String
  private let system: SimulatedFileSystem
  private let opened: OpenHandle
  private var handle: Int { opened.number }

  init(_ system: SimulatedFileSystem, _ name: String, handle: Int) {
    self.system = system
    self.name = name
    opened = OpenHandle(system, handle)
  }

  private init(_ name: String, _ file: SimulatedFile) {
    system = file.system
    opened = file.opened
    self.name = name
  }

  /// The same open file under another name.
  func renamed(_ name: String) -> SimulatedFile { SimulatedFile(name, self) }

  func size() throws(FileSystemError) -> UInt64 { UInt64(try current().count) }

  func dataEnd() throws(FileSystemError) -> UInt64 { UInt64(try current().dataEnd) }

  private func current() throws(FileSystemError) -> PagedBytes {
    try system.call(.status, name, isStep: false) { state throws(FileSystemError) in
      let node = try state.node(of: handle, .status, name)
      return state.disk.files[node]?.current ?? PagedBytes()
    }
  }

  func read(
    into buffer: AlignedBuffer, count: Int, at offset: UInt64
  ) throws(FileSystemError) -> Int {
    precondition(count >= 0 && count <= buffer.capacity)
    let start = try position(offset, count: count, .read)
    let bytes = try system.state.withLock { state throws(FileSystemError) in
      let node = try state.node(of: handle, .read, name)
      var limit = count
      switch try state.begin(.read, name, isStep: false) {
      case .strike(.short(let bytes)): limit = min(count, bytes)
      case .strike(let effect): throw effect.error(.read, name)
      case .proceed, .die: break
      }
      let bytes = state.disk.files[node]?.current.read(limit, at: start) ?? []
      state.counts.bytesRead += bytes.count
      return bytes
    }
    bytes.withByteView { buffer.copy($0) }
    return bytes.count
  }

  func write(_ bytes: ByteView, at offset: UInt64) throws(FileSystemError) {
    let start = try position(offset, count: bytes.count, .write)
    system.announce(.write, name)
    try system.state.withLock { state throws(FileSystemError) in
      let node = try state.node(of: handle, .write, name, writing: true)
      let verdict = try state.begin(.write, name, isStep: true)
      let written =
        switch verdict {
        case .proceed, .die: bytes
        case .strike(.partial(let count, _)): bytes.prefix(count)
        case .strike: ByteView.empty
        }
      let step = state.steps
      let result = Result { () throws(FileSystemError) in
        try state.disk.write(written, at: start, to: node, name: name, step: step)
      }
      state.counts.bytesWritten += written.count
      switch verdict {
      case .proceed: try result.get()
      case .strike(let effect): throw effect.error(.write, name)
      case .die: throw SimulationState.crash(.write, name)
      }
    }
  }

  func reserve(_ size: UInt64) throws(FileSystemError) {
    let size = try position(size, count: 0, .reserve)
    try change(.reserve) { state, node throws(FileSystemError) in
      try state.disk.reserve(size, for: node, name: name)
    }
  }

  var warmBytes: UInt64 { system.warmBytes }

  /// One step, though the zeros are written by as many calls as the system needs.
  func warmed(_ range: Range<UInt64>) throws(FileSystemError) -> (any WarmRange)? {
    guard warmBytes > 0 else { return nil }
    precondition(range.lowerBound % warmBytes == 0 && range.count == warmBytes)
    try [UInt8](repeating: 0, count: range.count).withByteView { zeros throws(FileSystemError) in
      try write(zeros, at: range.lowerBound)
    }
    return SimulatedWarmRange(range, of: opened, name, in: system)
  }

  func truncate(to size: UInt64) throws(FileSystemError) {
    let size = try position(size, count: 0, .truncate)
    try change(.truncate) { state, node throws(FileSystemError) in
      state.disk.resize(node, to: size, step: state.steps)
    }
  }

  /// Allocates the first `size` bytes and makes the file as long: one step, as the call is.
  func prepare(_ size: UInt64) throws(FileSystemError) {
    let size = try position(size, count: 0, .reserve)
    guard size > 0 else { return }
    try change(.reserve) { state, node throws(FileSystemError) in
      try state.disk.reserve(size, for: node, name: name)
      state.disk.resize(node, to: size, step: state.steps)
    }
  }

  private func change(
    _ operation: FileSystemError.Operation,
    _ body: (inout SimulationState, Int) throws(FileSystemError) -> Void
  ) throws(FileSystemError) {
    try system.call(operation, name, isStep: true) { state throws(FileSystemError) in
      try body(&state, try state.node(of: handle, operation, name, writing: true))
    }
  }

  func dropCache() throws(FileSystemError) {
    try system.call(.read, name, isStep: false) { state throws(FileSystemError) in
      _ = try state.node(of: handle, .read, name)
    }
  }

  func sync() throws(FileSystemError) {
    system.announce(.sync, name)
    try system.state.withLock { state throws(FileSystemError) in
      let node = try state.node(of: handle, .sync, name)
      switch try state.begin(.sync, name, isStep: true) {
      case .proceed:
        if !state.ignoresSync(.sync, name) { state.disk.change(node) { $0.sync() } }
      case .strike(let effect):
        var random = state.random
        let behaviour = state.failedSync
        state.disk.change(node) { $0.failSync(behaviour, using: &random) }
        state.random = random
        throw effect.error(.sync, name)
      case .die: throw SimulationState.crash(.sync, name)
      }
    }
  }

  func close() throws(FileSystemError) {
    try system.call(.close, name, isStep: false) { state throws(FileSystemError) in
      state.close(handle)
    }
  }

  /// A position as the simulator counts; one that no file system could hold throws.
  private func position(
    _ offset: UInt64, count: Int, _ operation: FileSystemError.Operation
  ) throws(FileSystemError) -> Int {
    guard let start = Int(exactly: offset), count <= Int.max - start else {
      throw FileSystemError(operation, .other, path: name)
    }
    return start
  }
}

/// Keeps a file open for all names it goes under.
final class OpenHandle: Sendable {
  let number: Int
  private let system: SimulatedFileSystem

  init(_ system: SimulatedFileSystem, _ number: Int) {
    self.system = system
    self.number = number
  }

  deinit { system.state.withLock { $0.close(number) } }
}

/// A log file of a simulated disk.
final class SimulatedLogFile: LogFile {
  let capacity: UInt64
  let isReusable: Bool
  private let file: SimulatedFile

  init(_ file: SimulatedFile, capacity: UInt64, isReusable: Bool) {
    self.file = file
    self.capacity = capacity
    self.isReusable = isReusable
  }

  var name: String { file.name }

  func renamed(_ name: String) -> any LogFile {
    SimulatedLogFile(file.renamed(name), capacity: capacity, isReusable: isReusable)
  }

  func writeHeader(_ header: ByteView) throws(FileSystemError) { try file.write(header, at: 0) }

  func append(_ bytes: ByteView, at offset: UInt64) throws(FileSystemError) {
    try file.write(bytes, at: offset)
  }

  func sync() throws(FileSystemError) { try file.sync() }

  func truncate(to size: UInt64) throws(FileSystemError) { try file.truncate(to: size) }

  func close() throws(FileSystemError) { try file.close() }
}
