import CFuzzer

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension Session {
  /// libFuzzer runs this program again to merge, with nothing but its own arguments: they find the
  /// target and the way in the environment.
  private static let targetVariable = "VARVE_FUZZ_TARGET"
  private static let wayVariable = "VARVE_FUZZ_WAY"

  /// What this process fuzzes, and how.
  static let current: Session? = {
    let session = Session(target: variable(targetVariable) ?? "", way: variable(wayVariable) ?? "")
    if session?.way == .off { fuzzer_leave_out_checksums() }
    return session
  }()

  /// Lets ``current`` be this target in this way.
  static func choose(target: String, way: String) {
    unsafe setenv(targetVariable, target, 1)
    unsafe setenv(wayVariable, way, 1)
  }

  private static func variable(_ name: String) -> String? {
    unsafe getenv(name).map { unsafe String(cString: $0) }
  }
}
