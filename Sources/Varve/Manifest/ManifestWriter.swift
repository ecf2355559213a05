import VarveFormat
import VarvePlatform

/// Writes manifests so that at every moment exactly one version is the truth.
///
/// The order is the promise: the directory first (the names of the files the manifest will name),
/// then the manifest under a temporary name, synced, then its real name, then the directory again.
final class ManifestWriter: Sendable {
  private let directory: any Directory
  /// Set when it is unknown what is durable.
  private let poison: Poison

  init(directory: any Directory, poison: Poison) {
    self.directory = directory
    self.poison = poison
  }

  /// Makes `manifest` the truth; returns the SHA-256 of its file.
  ///
  /// - Parameter isSettled: false where its name may still be lost when this returns, as somebody syncs the
  ///   directory before anything is promised.
  func write(_ manifest: Manifest, isSettled: Bool = true) throws(StoreError) -> [UInt8] {
    try check(manifest)
    let bytes = manifest.encoded()
    if manifest.namesFiles { try syncNames() }
    try write(bytes, as: FileName(.manifest, manifest.number), isSettled: isSettled)
    return bytes.withByteView(SHA256.digest(of:))
  }

  /// A version that could not be read back is never written: not one with segments out of order, nor
  /// one that is too large.
  private func check(_ next: Manifest) throws(StoreError) {
    let name = "\(FileName(.manifest, next.number))"
    guard next.largestByteCount <= Limits.manifestBytes else {
      throw StoreError(.limit, "the store has too many files for one manifest", file: name)
    }
    do throws(FormatError) { try next.checkRules() } catch {
      throw StoreError(
        .invalid, "the next version breaks a rule: \(error.fault)", file: name,
        structure: "manifest")
    }
  }

  /// The bytes of a manifest; the names of the files in it are durable.
  func write(
    _ bytes: [UInt8], as name: FileName, isSettled: Bool = true
  ) throws(StoreError) {
    try prepare(bytes, as: FileName.temporary(name))
    do throws(FileSystemError) {
      try directory.rename(FileName.temporary(name), to: name.description)
      if isSettled { try directory.sync() }
    } catch {
      throw poison.set(because: StoreError(error))
    }
  }

  /// A file that is named must not be missing.
  private func syncNames() throws(StoreError) {
    do throws(FileSystemError) { try directory.sync() } catch {
      throw poison.set(because: StoreError(error))
    }
  }

  /// A complete, synced file under the temporary name. Nothing refers to it yet, so most failures
  /// cost only this attempt; a failed sync is the exception.
  private func prepare(_ bytes: [UInt8], as name: String) throws(StoreError) {
    do throws(FileSystemError) {
      if try directory.status(of: name) != nil { try directory.remove(name) }
      let file = try directory.create(name)
      do throws(FileSystemError) {
        try bytes.withByteView { bytes throws(FileSystemError) in
          try file.reserve(UInt64(bytes.count))
          try file.write(bytes, at: 0)
        }
      } catch {
        try? file.close()
        try? directory.remove(name)
        throw error
      }
      try file.sync()
      try file.close()
    } catch {
      throw error.operation == .sync ? poison.set(because: StoreError(error)) : StoreError(error)
    }
  }

  /// Removes a manifest that has a durable successor. One that stays is removed at next opening.
  func remove(_ number: UInt64) {
    try? directory.remove(FileName(.manifest, number).description)
  }
}

extension Manifest {
  fileprivate var namesFiles: Bool {
    !segments.isEmpty || !valueFiles.isEmpty || !logs.isEmpty
  }
}
