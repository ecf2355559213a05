import VarveFormat
package import VarvePlatform

/// A call that can change the disk, counted from 1: the moments at which a machine can die.
package struct Step: Equatable, Sendable, CustomStringConvertible {
  package var number: Int
  package var operation: FileSystemError.Operation
  /// The name of the file, or the last part of the directory's path.
  package var name: String

  package var description: String { "\(number) \(operation.rawValue) \(name)" }
}

/// What was called, for figures and for tests that count.
package struct CallCounts: Equatable, Sendable {
  package var calls: [FileSystemError.Operation: Int] = [:]
  package var bytesRead = 0
  package var bytesWritten = 0

  package var total: Int { calls.values.reduce(0, +) }
  package var syncs: Int { calls[.sync, default: 0] + calls[.syncDirectory, default: 0] }
}

/// Everything a simulated machine knows, behind one lock.
struct SimulationState {
  /// How a call goes on after it was announced.
  enum Verdict {
    case proceed
    /// A fault hits it.
    case strike(Fault.Effect)
    /// The machine dies in this call: it may have had its effect, and its caller never knows.
    case die
  }

  /// A handle that is open.
  struct Handle {
    var node: Int
    var isWritable: Bool
    /// "file log-…", for the leak report.
    var label: String
    /// What a mapping shows, which changes with the file only by rot.
    var mapped: AlignedBuffer?
  }

  var disk: SimulatedDisk
  var random: SplitMix64
  var steps = 0
  var crashStep: Int?
  var hasCrashed = false
  var faults: [Fault] = []
  /// The first call that a fault hit.
  var struck: StruckCall?
  /// What all calls were made on that faults hit.
  var struckNames: Set<String> = []
  var counts = CallCounts()
  var failedSync = FailedSync.keepsCache
  var ignoresSync: @Sendable (FileSystemError.Operation, String) -> Bool = { _, _ in false }
  var observer: (@Sendable (Step) -> Void)?
  var trace: [Step]?

  private(set) var handles: [Int: Handle] = [:]
  /// How each locked file is held: by how many who share it, none for one alone.
  var lockedNodes: [Int: Int] = [:]
  private var nextHandle = 0

  init(disk: SimulatedDisk, random: SplitMix64) {
    self.disk = disk
    self.random = random
  }

  /// Announces a call: counts it, and finds out whether it may proceed.
  mutating func begin(
    _ operation: FileSystemError.Operation, _ name: String, isStep: Bool
  ) throws(FileSystemError) -> Verdict {
    guard !hasCrashed else { throw Self.crash(operation, name) }
    counts.calls[operation, default: 0] += 1
    if isStep, takeStep(operation, name) { return .die }
    // Every fault counts the call, also those behind the one that strikes.
    var effect: Fault.Effect?
    for index in faults.indices where faults[index].strikes(operation, name) {
      effect = effect ?? faults[index].effect
    }
    guard let effect else { return .proceed }
    struck = struck ?? StruckCall(operation: operation, name: name)
    struckNames.insert(name)
    return .strike(effect)
  }

  /// Counts a call that can change the disk; says whether the machine dies in it.
  private mutating func takeStep(
    _ operation: FileSystemError.Operation, _ name: String
  ) -> Bool {
    steps += 1
    trace?.append(Step(number: steps, operation: operation, name: name))
    if steps == crashStep { hasCrashed = true }
    return hasCrashed
  }

  /// Counts a store into a file, which may have its effect also where the machine dies in it; says whether the
  /// machine was alive before.
  mutating func beginStore(into name: String) -> Bool {
    guard !hasCrashed else { return false }
    _ = takeStep(.write, name)
    return true
  }

  /// Makes a call that either happens or does not.
  mutating func call<Result>(
    _ operation: FileSystemError.Operation, _ name: String, isStep: Bool,
    _ body: (inout SimulationState) throws(FileSystemError) -> Result
  ) throws(FileSystemError) -> Result {
    switch try begin(operation, name, isStep: isStep) {
    case .proceed: return try body(&self)
    case .strike(let effect): throw effect.error(operation, name)
    case .die:
      _ = try? body(&self)
      throw Self.crash(operation, name)
    }
  }

  /// The error of every call on a dead machine.
  static func crash(_ operation: FileSystemError.Operation, _ name: String) -> FileSystemError {
    FileSystemError(operation, .device, path: name, number: SimulatedFileSystem.crashNumber)
  }
}

// MARK: - Handles

extension SimulationState {
  mutating func open(
    _ node: Int, label: String, isWritable: Bool = false, mapped: AlignedBuffer? = nil
  ) -> Int {
    nextHandle += 1
    handles[nextHandle] = Handle(
      node: node, isWritable: isWritable, label: label, mapped: mapped)
    disk.opened(node)
    return nextHandle
  }

  /// The file behind a handle; throws when it was closed or cannot be written.
  func node(
    of handle: Int, _ operation: FileSystemError.Operation, _ name: String,
    writing: Bool = false
  ) throws(FileSystemError) -> Int {
    guard let handle = handles[handle] else {
      throw FileSystemError(operation, .closed, path: name)
    }
    guard handle.isWritable || !writing else {
      throw FileSystemError(operation, .permission, path: name)
    }
    return handle.node
  }

  /// Lets every mapping of a file show what is in it now.
  func readMappingsAgain(of node: Int) {
    for handle in handles.values where handle.node == node {
      guard let mapped = handle.mapped, let content = disk.files[node]?.current else { continue }
      content.read(mapped.capacity, at: 0).withByteView { mapped.copy($0) }
    }
  }

  mutating func close(_ handle: Int) {
    guard let closed = handles.removeValue(forKey: handle) else { return }
    disk.closed(closed.node)
  }
}

extension Fault.Effect {
  func error(_ operation: FileSystemError.Operation, _ name: String) -> FileSystemError {
    switch self {
    case .error(let reason), .partial(_, let reason):
      FileSystemError(operation, reason, path: name)
    case .short: FileSystemError(operation, .device, path: name)
    }
  }
}
