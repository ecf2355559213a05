import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

#if canImport(Glibc)
  import Glibc
#endif

/// Files whose checksums are right and whose content is not: whatever a store is made to read, it
/// answers or throws, in bounded time and memory, and never traps.
@Suite struct ForgedBytesTests {
  /// Times the rounds that are run each time; with `VARVE_FORGERY_FACTOR` many more, once in a while.
  private static let factor: Int = {
    guard let text = unsafe getenv("VARVE_FORGERY_FACTOR") else { return 1 }
    return Int(unsafe String(cString: text)) ?? 1
  }()
  private static let base: UInt64 = {
    guard let text = unsafe getenv("VARVE_FORGERY_SEED") else { return 0 }
    return UInt64(unsafe String(cString: text)) ?? 0
  }()

  /// Else all that is forged is refused for its checksums, and nothing behind them is reached.
  @Test(arguments: FileName.Kind.allCases, [true, false])
  func whatIsSignedWithoutAChangeIsTheSame(_ kind: FileName.Kind, closesCleanly: Bool) throws {
    for (name, forger) in try ForgedSample(closesCleanly: closesCleanly).forgers(kind) {
      let isSame = forger.signedUnchanged == forger.sound
      #expect(isSame, "\(name)")
    }
  }

  @Test(arguments: FileName.Kind.allCases)
  func aForgedFileIsReadOrRefused(_ kind: FileName.Kind) throws {
    let sample = try ForgedSample(closesCleanly: true)
    let files = try sample.forgers(kind)
    for round in 0..<UInt64(40 * Self.factor) {
      let seed = Self.base + round
      if Self.factor > 1 || Self.base > 0 { print("forged \(kind) \(seed)") }
      var mutator = Mutator(random: SeededRandom(seed: seed))
      let (name, forger) = files[mutator.random.below(files.count)]
      try sample.exercise([name: forger.forged(&mutator)], seed, "\(kind), seed \(seed)")
    }
  }

  @Test func aForgedVersionIsReadOrRefused() throws {
    let sample = try ForgedSample(closesCleanly: true)
    for round in 0..<UInt64(40 * Self.factor) {
      let seed = Self.base + round
      if Self.factor > 1 || Self.base > 0 { print("forged version \(seed)") }
      var mutator = Mutator(random: SeededRandom(seed: seed))
      let (name, bytes) = try sample.forgedVersion(&mutator)
      try sample.exercise([name: bytes], seed, "version, seed \(seed)")
    }
  }

  @Test(arguments: [FileName.Kind.log, .values])
  func aForgedFileBehindACrashIsReadOrRefused(_ kind: FileName.Kind) throws {
    let sample = try ForgedSample(closesCleanly: false)
    let files = try sample.forgers(kind)
    for round in 0..<UInt64(20 * Self.factor) {
      let seed = Self.base + round
      if Self.factor > 1 || Self.base > 0 { print("forged crash \(kind) \(seed)") }
      var mutator = Mutator(random: SeededRandom(seed: seed))
      let (name, forger) = files[mutator.random.below(files.count)]
      try sample.exercise([name: forger.forged(&mutator)], seed, "crash, \(kind), seed \(seed)")
    }
  }
}
