import Synchronization
import VarveFormat
package import VarvePlatform

/// A disk in memory that loses, tears, refuses and rots as told, and is honest otherwise.
///
/// ```
/// calls of the engine ──▶ step counter ──▶ faults ──▶ disk (durable + pending)
///                           │ dies at step k              │
///                           ▼                             ▼
///                  every later call throws       crashImage: what could be left
/// ```
///
/// Everything is decided by the calls and the seeds, so a failure is repeated by repeating them.
/// Directories other than `/` are made by `openDirectory(create: true)`; paths start at `/`.
package final class SimulatedFileSystem: FileSystem {
  /// The error number of calls on a machine that died.
  package static let crashNumber: Int32 = -1

  /// Each machine is a device of its own, as locks and caches elsewhere may go by identity.
  private static let devices = Atomic<UInt64>(1 << 32)

  let device: UInt64
  /// Whether logs are such as are worth another life.
  let logsAreReusable: Bool
  /// Bytes of the ranges that files may be stored into: less than on a real disk, so that little data meets many.
  let warmBytes: UInt64
  let state: Monitor<SimulationState>

  /// - Parameters:
  ///   - seed: decides what failed syncs leave behind.
  ///   - logsAreReusable: whether logs are such as are worth another life.
  ///   - warmBytes: of the ranges that files may be stored into; 0 where nothing is.
  package convenience init(
    seed: UInt64 = 0, logsAreReusable: Bool = true, warmBytes: UInt64 = 16 << 10
  ) {
    self.init(
      disk: SimulatedDisk(), seed: seed, logsAreReusable: logsAreReusable, warmBytes: warmBytes)
  }

  /// The machine after this one, with another disk.
  func successor(_ disk: SimulatedDisk, seed: UInt64) -> SimulatedFileSystem {
    SimulatedFileSystem(
      disk: disk, seed: seed, logsAreReusable: logsAreReusable, warmBytes: warmBytes)
  }

  private init(disk: SimulatedDisk, seed: UInt64, logsAreReusable: Bool, warmBytes: UInt64) {
    self.logsAreReusable = logsAreReusable
    self.warmBytes = warmBytes
    device = Self.devices.add(1, ordering: .relaxed).newValue
    state = Monitor(SimulationState(disk: disk, random: SplitMix64(seed: seed)))
  }

  package func openDirectory(
    at path: String, create: Bool
  ) throws(FileSystemError) -> any Directory {
    let parts = SimulatedDisk.parts(of: path)
    guard !path.isEmpty, !parts.contains("..") else {
      throw FileSystemError(.openDirectory, .notFound, path: path)
    }
    if create, let name = parts.last {
      try make(name, in: "/" + parts.dropLast().joined(separator: "/"), path)
    }
    let node = try call(.openDirectory, parts.last ?? "/", isStep: false) {
      state throws(FileSystemError) in
      try state.disk.node(at: path, for: .openDirectory)
    }
    let isDirectory = state.withLock { $0.disk.directories[node] != nil }
    guard isDirectory else { throw FileSystemError(.openDirectory, .wrongKind, path: path) }
    return SimulatedDirectory(self, path: path, node: node)
  }

  /// Makes the directory where it is missing, and its entry in the parent durable.
  private func make(
    _ name: String, in parentPath: String, _ path: String
  ) throws(FileSystemError) {
    let (parent, exists) = try state.withLock { state throws(FileSystemError) in
      let parent = try state.disk.node(at: parentPath, for: .openDirectory)
      return (parent, state.disk.entries(of: parent)[name] != nil)
    }
    if !exists {
      try call(.openDirectory, name, isStep: true) { state throws(FileSystemError) in
        state.disk.makeDirectory(name, in: parent, step: state.steps)
      }
    }
    do throws(FileSystemError) {
      try syncDirectory(parent, named: SimulatedDisk.parts(of: parentPath).last ?? "/")
    } catch {
      // Its entry may be seen and never become durable: it is made anew next time.
      if !exists {
        state.withLock { $0.disk.removeDirectory(name, in: parent, step: $0.steps) }
      }
      throw error
    }
  }

  /// Makes a call under the lock, after those who watch were told of the step.
  func call<Result>(
    _ operation: FileSystemError.Operation, _ name: String, isStep: Bool,
    _ body: (inout SimulationState) throws(FileSystemError) -> Result
  ) throws(FileSystemError) -> Result {
    if isStep { announce(operation, name) }
    return try state.withLock { state throws(FileSystemError) in
      try state.call(operation, name, isStep: isStep, body)
    }
  }

  /// Tells the observer, without the lock: it may want an image of the disk.
  func announce(_ operation: FileSystemError.Operation, _ name: String) {
    let (observer, step) = state.withLock { state in
      (state.observer, Step(number: state.steps + 1, operation: operation, name: name))
    }
    observer?(step)
  }

  func syncDirectory(_ node: Int, named name: String) throws(FileSystemError) {
    announce(.syncDirectory, name)
    try state.withLock { state throws(FileSystemError) in
      let verdict = try state.begin(.syncDirectory, name, isStep: true)
      switch verdict {
      case .proceed:
        if !state.ignoresSync(.syncDirectory, name) { state.disk.directories[node]?.sync() }
      case .strike(let effect):
        state.disk.directories[node]?.failSync(using: &state.random)
        throw effect.error(.syncDirectory, name)
      case .die: throw SimulationState.crash(.syncDirectory, name)
      }
    }
  }
}
