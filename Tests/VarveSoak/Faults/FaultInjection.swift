import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// A call that failed, of the file system or of a bucket.
enum HitCall: Sendable, CustomStringConvertible {
  case file(StruckCall)
  case object(ObjectCall.Kind, name: String)

  var description: String {
    switch self {
    case .file(let call): "\(call)"
    case .object(let kind, let name): "\(kind.rawValue) \(name) in the bucket"
    }
  }
}

extension HitCall {
  /// Whether it may be unknown what is durable where it fails.
  var mayPoison: Bool {
    switch self {
    case .object: false
    case .file(let call): ![.list, .status, .read, .map, .lock].contains(call.operation)
    }
  }
}

/// Lets one call of a machine fail, from the moment on at which it is begun.
final class FaultInjection: Sendable {
  private struct State: Sendable {
    var isOn = false
    var calls = 0
    var hit: HitCall?
  }

  private let fault: PlannedFault
  private let state = Monitor(State())

  init(_ fault: PlannedFault) { self.fault = fault }

  /// Goes into the opening of every store whose requests are to fail.
  func request(_ kind: ObjectCall.Kind, _ name: String) -> ObjectFault? {
    state.withLock { state in
      guard state.isOn, let request = fault.kind.request else { return nil }
      guard fault.kind.requests?.contains(kind) ?? true else { return nil }
      state.calls += 1
      let isHit =
        fault.duration == .once
        ? state.calls == fault.occurrence : state.calls >= fault.occurrence
      guard isHit else { return nil }
      state.hit = state.hit ?? .object(kind, name: name)
      return request
    }
  }

  func begin(on machine: CrashMachine) {
    guard fault.kind.request == nil else { return state.withLock { $0.isOn = true } }
    machine.disk.inject(fault.fault)
  }

  /// Returns the call that failed; nil where there was none.
  func end(on machine: CrashMachine) -> HitCall? {
    machine.disk.clearFaults()
    let hit = state.withLock { state in
      state.isOn = false
      return state.hit
    }
    // Whoever gave it up does not wait for it.
    while let bucket = machine.bucket, bucket.hasLateRequests { bucket.deliverLateRequest() }
    return hit ?? machine.disk.struck.map(HitCall.file)
  }
}
