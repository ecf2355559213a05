import VarveFormat
package import VarvePlatform

/// Checks a store's files against its manifest and each other, and reports every flaw it meets.
///
/// It reads files and not the engine's caches, changes nothing, and does not stop at the first flaw.
///
/// ```swift
/// let report = try StoreVerifier(at: "catalog.varve").run(.deep) { print($0) }
/// print(report.isSound)
/// ```
///
/// The order: manifest, names in the directory, logs, segments, value files. Of each file the first
/// 1,000 findings are told of, and the first damage in any case; one more, a notice, then says that there
/// are others, which the report counts.
///
/// Memory does not grow with what is found. The manifest is read whole, and 256 MiB of logs in all; logs
/// beyond that are mapped. Segments and value files are read block by block and value by value.
public struct StoreVerifier {
  let directory: TieredDirectory
  private let hasBucket: Bool
  private let lock: (any FileLock)?

  /// For a store that nobody writes to; until the verifier is dropped nobody can.
  ///
  /// - Parameter bucket: the store's bucket, for files that lie only there; without it they are passed
  ///   over, with a notice.
  /// - Throws: `.locked` while somebody has it open, `.notFound`.
  public init(at path: String, bucket: (any ObjectStore)? = nil) throws(StoreError) {
    try self.init(at: path, bucket: bucket, on: PosixFileSystem())
  }

  package init(
    at path: String, bucket: (any ObjectStore)? = nil, on fileSystem: any FileSystem
  ) throws(StoreError) {
    do throws(FileSystemError) {
      directory = TieredDirectory(
        try fileSystem.openDirectory(at: path, create: false),
        ColdFiles(budget: 64 << 20))
      lock = try Self.lock(directory)
    } catch {
      throw StoreError(opening: path, error)
    }
    directory.cold.connect(bucket, keepsEnds: false)
    hasBucket = bucket != nil
  }

  /// The lock file of a store is made with the store and never removed: where it is missing nobody
  /// has it open, and making one would change what was only to be looked at. A store that may only
  /// be read cannot be locked, nor be written to by this user.
  private static func lock(_ directory: any Directory) throws(FileSystemError) -> (any FileLock)? {
    guard try directory.status(of: FileName.lock) != nil else { return nil }
    do {
      return try directory.lock(FileName.lock, isShared: true)
    } catch  where error.reason == .permission {
      return nil
    }
  }

  /// Looks at everything, telling `onFinding` of what was found in each file when that was looked at, and of
  /// all logs together.
  ///
  /// - Throws: `.notFound` where there is no store; whatever `onFinding` throws. Damage is not
  ///   thrown: it is what was asked for.
  @discardableResult
  public func run(
    _ depth: IntegrityDepth, onFinding: (IntegrityFinding) throws -> Void = { _ in }
  ) throws -> IntegrityReport {
    let names: [String]
    do throws(FileSystemError) { names = try directory.names() } catch { throw StoreError(error) }
    let verification = StoreVerification(directory, depth, readsCold: hasBucket)
    try verification.run(names, onFinding)
    return verification.report
  }
}
