import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// A byte that changed, a read that fails: in any file of a store at rest it is said where, and
/// nothing but what was written is ever returned. (72)
@Suite struct DamagedByteBehaviourTests {
  enum Place: String, CaseIterable {
    case manifest
    case segment
    case flushedValues
    case loggedValues
    case log

    /// The file of the store that ``fill(_:)`` makes.
    func name(in tested: TestedStore) throws -> String? {
      switch self {
      case .manifest: try tested.names(.manifest).last
      case .segment: try tested.names(.segment).last
      case .flushedValues: try tested.names(.values).first
      case .loggedValues: try tested.names(.values).last
      case .log: try tested.names(.log).last
      }
    }
  }

  /// A closed store of a few KiB with something in each kind of file.
  private static func fill(_ tested: TestedStore) throws -> TestedStore.Content {
    var random = SeededRandom(seed: 2)
    let store = try tested.open()
    var content: TestedStore.Content = [:]
    for (part, name) in ["flushed", "logged"].enumerated() {
      for index in 0..<8 {
        let value = random.bytes(30 + index)
        content["\(name) \(index)"] = value
        try store.put("\(name) \(index)", value)
      }
      let large = random.bytes(1_200)
      content["\(name), large"] = large
      try store.put("\(name), large", large, .buffered)
      if part == 0 { try store.flush() }
    }
    try store.close()
    return content
  }

  /// The ends, where headers and footers are, and a sample of what is between.
  private static func sample(_ count: Int, seed: UInt64) -> [Int] {
    var random = SeededRandom(seed: seed)
    let ends = stride(from: 0, to: min(64, count), by: 3).flatMap { [$0, count - 1 - $0] }
    return ends + (0..<60).map { _ in random.below(count) }
  }

  @Test(arguments: Place.allCases)
  func aFlippedBitIsNamedByTheVerifierAndNeverReturned(_ place: Place) throws {
    let (tested, disk) = try TestedStore.simulated()
    let content = try Self.fill(tested)
    let name = try #require(try place.name(in: tested))
    let count = try tested.bytes(name).count
    for offset in Self.sample(count, seed: 11) {
      let image = disk.crashImage(.everything)
      try image.flip(mask: 1 << UInt8(offset % 8), at: offset, of: "store/\(name)")
      let damaged = try TestedStore(image, "store")
      let what = "bit of byte \(offset) of \(count) in \(name)"
      let findings = try damaged.findings().filter { $0.severity == .damage }
      let isNamed = findings.contains { $0.file == name && $0.offset != nil }
      #expect(isNamed, "\(what): \(findings)")
      for mode in [StoreOptions.ReadMode.mapped, .buffered] {
        try Self.check(damaged, mode, content, what)
      }
    }
  }

  /// Every way of reading returns what was written or throws.
  private static func check(
    _ damaged: TestedStore, _ mode: StoreOptions.ReadMode, _ content: TestedStore.Content,
    _ what: String
  ) throws {
    let opening = try storeFailure {
      let store = try damaged.open {
        $0.readMode = mode
        $0.access = .readOnly
      }
      let main = try store.main()
      for (key, value) in content {
        let failure = try storeFailure {
          let isRight = try main.value(for: key) == value
          #expect(isRight, "\(what): \(key)")
        }
        if let failure { #expect(failure.code == .corrupted, "\(what): \(failure)") }
      }
      var seen: TestedStore.Content = [:]
      let scan = try storeFailure {
        try main.forEach { seen[String(copying: $0)] = [UInt8](copying: $1) }
      }
      let isPart = seen.allSatisfy { content[$0.key] == $0.value }
      #expect(isPart && (scan != nil || seen.count == content.count), "\(what): a scan")
      try store.close()
    }
    if let opening {
      #expect([.corrupted, .incompatible].contains(opening.code), "\(what): \(opening)")
    }
  }

  @Test(arguments: [
    Fault.Effect.error(.device), .short(0), .short(7), .short(100), .error(.tooManyOpen),
  ])
  func aReadThatFailsIsReportedAndNotRemembered(_ effect: Fault.Effect) throws {
    let (tested, disk) = try TestedStore.simulated()
    let content = try Self.fill(tested)
    var failures = 0
    for operation in [FileSystemError.Operation.read, .map, .open, .status] {
      for occurrence in 1... {
        let before = disk.counts.calls[operation, default: 0]
        let mode: StoreOptions.ReadMode = operation == .map ? .mapped : .buffered
        disk.inject(Fault(operation, occurrence: occurrence, effect: effect))
        let failure = try storeFailure {
          let store = try tested.open {
            $0.access = .readOnly
            $0.readMode = mode
          }
          let failure = try storeFailure {
            let isRight = try store.content() == content
            #expect(isRight)
          }
          if let failure {
            failures += 1
            disk.clearFaults()
            #expect(try store.content() == content)
            throw failure
          }
        }
        disk.clearFaults()
        guard disk.counts.calls[operation, default: 0] - before >= occurrence else { break }
        // A short read of a file that is no longer than that is a whole one.
        if case .short(let count) = effect, count > 0 || operation != .read { continue }
        // Where there are too many mappings files are read instead.
        if operation == .map, case .error(.tooManyOpen) = effect { continue }
        #expect(failure != nil, "\(operation) \(occurrence)")
      }
    }
    if case .error = effect { #expect(failures > 3) }
    #expect(disk.leaks.isEmpty, "\(disk.leaks)")
  }

  /// A crash may tear off the end of a log; a read that returns less than there is has not.
  @Test(arguments: [0, 64, 500])
  func aShortReadOfALogIsNoTornTail(_ count: Int) throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    var entries = NumberedEntries()
    try entries.write(20, to: store, .synced)
    let image = disk.crashImage(.durableOnly)
    let crashed = try TestedStore(image, "store")
    image.inject(Fault(.read, "log-", effect: .short(count)))
    let findings = try crashed.findings().filter { $0.severity == .damage }
    #expect(findings.first?.file.hasPrefix("log-") == true, "\(findings)")
    image.clearFaults()
    image.inject(Fault(.read, "log-", effect: .short(count)))
    let refusal = try storeFailure { try crashed.open { $0.readMode = .buffered }.close() }
    #expect(refusal?.code == .inputOutput)
    image.clearFaults()
    #expect(try crashed.reopenedContent() == entries.content)
    withExtendedLifetime(store) {}
  }

  /// Nor was a value torn of which a read returns less than there is.
  @Test(arguments: [0, 64])
  func aShortReadOfAValueIsNoTornValue(_ count: Int) throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    try store.put("large", [UInt8](repeating: 7, count: 5_000), .buffered)
    let image = disk.killImage()
    let crashed = try TestedStore(image, "store")
    image.inject(Fault(.read, "values-", effect: .short(count), lasts: .forGood))
    let refusal = try storeFailure {
      try crashed.open {
        $0.readMode = .buffered
        $0.access = .readOnly
      }.close()
    }
    #expect(refusal?.code == .inputOutput)
    image.clearFaults()
    #expect(try crashed.reopenedContent()["large"]?.count == 5_000)
    withExtendedLifetime(store) {}
  }

  /// What could not be read once was not looked at, whatever comes after.
  @Test func aStoreOfWhichSomethingCouldNotBeReadIsNotCalledSound() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    try store.put("large", [UInt8](repeating: 7, count: 5_000), .buffered)
    try store.flush()
    try store.put("larger", [UInt8](repeating: 7, count: 6_000), .buffered)
    let image = disk.killImage()
    let whole = try StoreVerifier(at: "store", on: image).run(.deep)
    #expect(whole.isSound && whole.values == 2)
    for effect in [Fault.Effect.error(.device), .short(7)] {
      for occurrence in 1... {
        let copy = image.crashImage(.everything)
        copy.inject(Fault(.read, occurrence: occurrence, effect: effect))
        let report = try StoreVerifier(at: "store", on: copy).run(.deep)
        if copy.struck == nil { break }
        #expect(!report.isSound || report == whole, "\(occurrence), \(effect): \(report)")
      }
    }
    withExtendedLifetime(store) {}
  }
}
