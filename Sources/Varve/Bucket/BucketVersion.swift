import VarveFormat
import VarveObjects

/// A version of a store that its bucket has.
public struct BucketVersion: Sendable, Equatable {
  /// Which version is meant.
  public enum Name: Sendable, Hashable {
    /// The newest one, and what logs hold behind it.
    case newest
    /// The one of a number, as ``SegmentStore/bucketVersions(in:most:)`` tells them. Without a checkpoint it may be
    /// gone back to for half an hour after the next one came; and later where nobody writes to the bucket any more,
    /// nor removes anything there (`isAbandoned`), as long as its files are there.
    case number(UInt64, isAbandoned: Bool = false)
    /// The one that a checkpoint keeps. Where the newest version cannot be read nobody may write to the bucket any
    /// more (`isAbandoned`).
    case checkpoint(String, isAbandoned: Bool = false)
  }

  /// Counts the versions of the bucket.
  public var number: UInt64
  /// When it was put there, in ms since 1970 by the bucket's clock.
  public var written: UInt64
  /// Its files; nil where what describes them cannot be read.
  public var files: BucketStatus.Amount?
  /// The checkpoints that keep it.
  public var checkpoints: [String] = []
  /// Why it cannot be read; nil where it can.
  public var problem: String?
}

extension BucketVersion.Name {
  var isAbandoned: Bool {
    switch self {
    case .newest: false
    case .number(_, let isAbandoned), .checkpoint(_, let isAbandoned): isAbandoned
    }
  }

  /// Its number; nil for the newest.
  func number(in reader: BucketReader) throws(BucketError) -> UInt64? {
    switch self {
    case .newest: return nil
    case .number(let number, _): return number
    case .checkpoint(let name, _):
      guard let pin = try reader.pin(name), pin.kind == .checkpoint else {
        throw .noVersion("there is no checkpoint '\(name)' in the bucket")
      }
      return pin.manifest
    }
  }
}

extension SegmentStore {
  /// The versions that a bucket has of a store: those that checkpoints keep, and the newest `most`; the newest first.
  ///
  /// One of them may be opened by ``open(fromBucketTo:options:version:)``. A request for each, and two listings.
  /// - Throws: `.notFound` where the bucket holds no store; `.unavailable`. A version that is damaged is in what is
  ///   returned.
  public static func bucketVersions(
    in objects: any ObjectStore, most: Int = 20
  ) throws(StoreError) -> [BucketVersion] {
    do throws(BucketError) {
      let reader = BucketReader(objects)
      guard try reader.identity() != nil else { throw .noStore }
      var names: [UInt64: [String]] = [:]
      for (name, pin) in try reader.namedPins() where pin.kind == .checkpoint {
        names[pin.manifest, default: []].append(name)
      }
      let all = try reader.manifests()
      let newest = Set(all.suffix(max(0, most)).map(\.number))
      var versions: [BucketVersion] = []
      for (number, modified) in all.reversed() where newest.contains(number) || names[number] != nil
      {
        var version = BucketVersion(number: number, written: modified)
        version.checkpoints = names[number] ?? []
        try version.look(reader)
        versions.append(version)
      }
      return versions
    } catch {
      throw StoreError(error, at: objects.location)
    }
  }
}

extension BucketVersion {
  fileprivate mutating func look(_ reader: BucketReader) throws(BucketError) {
    do throws(BucketError) {
      guard let found = try reader.manifest(number)?.manifest else { return problem = "it is gone" }
      var amount = BucketStatus.Amount()
      for file in found.version.bucketFiles { amount.add(file.size) }
      files = amount
    } catch {
      guard error.isDamage else { throw error }
      problem = "\(error)"
    }
  }
}
