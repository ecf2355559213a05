import Varve
import VarveFormat
import VarveObjects
import VarveTestSupport

// What is damaged must be named, by itself or as the file that it is a copy of. Another name is right only where
// something whole says less than before, or what is not so: then the lack is what anybody can see.

extension TierJudge {
  /// Of a ``SimulatedObjectStore``.
  private static let location = "simulated"

  func names(_ error: StoreError) -> Bool {
    switch place {
    case .file(let name):
      // Where it is gone the store seems to have no bucket, and lacks its files.
      return error.file == name || mutated == nil && error.file.map(isCold) ?? false
    case .object(let name), .objectElsewhere(let name):
      if error.file == "\(Self.location)/\(name)" { return true }
      let told = error.file == Self.location ? error.message : error.file ?? ""
      let parts = name.description.split(whereSeparator: { "/-.".contains($0) }).map(String.init)
      switch parts[0] {
      // file / 2 digits / epoch - number - digest . kind
      case "file": return told.contains("\(name)") || told == "\(parts[5])-\(parts[3])"
      case "manifest": return isLedAstray(by: name, error, told)
      // Whose it is, and whether there is one, is said of the bucket.
      case "store":
        return error.file == Self.location && isOfAnotherStore
          && error.code == (mutated == nil ? .notFound : .exists)
      default: return false
      }
    }
  }

  /// Whether what stands there is gone, or whole and that of another store.
  private var isOfAnotherStore: Bool {
    guard let mutated else { return true }
    let storeID = mutated.withByteView { bytes in
      switch place {
      case .file: return (try? BucketTie(decoding: bytes))?.storeID
      case .object(let name), .objectElsewhere(let name):
        if name == BucketLayout.store { return (try? BucketIdentity(decoding: bytes))?.storeID }
        return manifest(bytes, name)?.version.storeID
      }
    }
    return storeID.map { $0 != tier.manifest.storeID } ?? false
  }

  private func manifest(_ bytes: ByteView, _ name: ObjectName) -> BucketManifest? {
    BucketLayout.manifestNumber(name).flatMap {
      try? BucketManifest(decoding: bytes, named: $0)
    }
  }

  /// Whether the machine's manifest names the file, and it is not there.
  private func isCold(_ file: String) -> Bool {
    let named =
      tier.manifest.segments.map { FileName(.segment, $0.number) }
      + tier.manifest.valueFiles.map { FileName(.values, $0.number) }
    return tier.files[file] == nil && named.contains { "\($0)" == file }
  }

  /// Whether an error is what comes of a manifest that is not the newest, or another store's: logs do not follow
  /// it, the bucket is another one, or its files are not there.
  private func isLedAstray(by name: ObjectName, _ error: StoreError, _ told: String) -> Bool {
    guard isOfAnotherStore else { return false }
    guard let mutated else { return told.contains("/\(BucketLayout.logs)") }
    let objects = mutated.withByteView { manifest($0, name) }?.files ?? []
    return error.code == .exists
      || objects.map(BucketLayout.file).contains {
        tier.objects[$0] == nil && told.contains("\($0)")
      }
  }
}
