/// One version of a store as a bucket has it: which files are there, under which names, and who says so.
/// Spec: bucket.md, "Manifest".
package struct BucketManifest: Equatable, Sendable {
  /// Counts commits; also the end of the object's name.
  package var number: UInt64
  /// SHA-256 of the manifest object with the number before; zeros in the first.
  package var predecessorDigest: [UInt8]
  /// How many writers there were, this one included.
  package var epoch: UInt64
  /// Drawn by each opening for writing.
  package var writer: FileID
  /// Drawn for each commit: tells one's own from another's where an answer was lost.
  package var nonce: FileID
  /// The latest time that the bucket told the writer, in ms since 1970.
  package var serverTime: UInt64
  /// The first log that may hold batches which the version does not; 0: none was ever put.
  package var logFloor: UInt64
  /// What a store on disk with these files would have: no logs, cleanly closed.
  package var version: Manifest
  /// Where the segments of the version are, then its value files, in the version's order.
  package var objects: [BucketObject]
  /// What no version needs from here on, ascending.
  package var garbage: [BucketGarbage]

  package init(
    number: UInt64, predecessorDigest: [UInt8], epoch: UInt64, writer: FileID, nonce: FileID,
    serverTime: UInt64, logFloor: UInt64 = 0, version: Manifest, objects: [BucketObject],
    garbage: [BucketGarbage]
  ) {
    self.number = number
    self.predecessorDigest = predecessorDigest
    self.epoch = epoch
    self.writer = writer
    self.nonce = nonce
    self.serverTime = serverTime
    self.logFloor = logFloor
    self.version = version
    self.objects = objects
    self.garbage = garbage
  }

  /// Bytes of the largest file that has a copy.
  static let mostFileBytes: UInt64 = 1 << 56

  package static let firstPredecessor = [UInt8](repeating: 0, count: Manifest.digestBytes)
}

/// Who put a copy of a file into the bucket, and its SHA-256: with the file's number, its name there.
package struct BucketObject: Hashable, Sendable {
  package var epoch: UInt64
  package var digest: [UInt8]
  /// Bytes at the end of the file that are no blocks or values: what is read of it first, in one request.
  package var tailBytes: UInt64

  /// What is longer is cut: the rest is read like blocks.
  package static let mostTailBytes: UInt64 = 1 << 29

  package init(epoch: UInt64, digest: [UInt8], tailBytes: UInt64) {
    self.epoch = epoch
    self.digest = digest
    self.tailBytes = tailBytes
  }
}

/// A copy in the bucket that is to be removed.
package struct BucketGarbage: Hashable, Sendable {
  package var file: BucketFile
  /// Server time of the first manifest without it, in ms since 1970.
  package var since: UInt64

  package init(_ file: BucketFile, since: UInt64) {
    self.file = file
    self.since = since
  }
}

/// A file of a store and where its copy in the bucket is.
package struct BucketFile: Hashable, Sendable {
  package enum Kind: UInt8, Sendable, CaseIterable {
    case segment = 1
    case values = 2
  }

  package var kind: Kind
  package var number: UInt64
  package var object: BucketObject

  package init(_ kind: Kind, _ number: UInt64, _ object: BucketObject) {
    self.kind = kind
    self.number = number
    self.object = object
  }

  /// The file's name on disk.
  package var name: FileName { FileName(kind == .segment ? .segment : .values, number) }
}

extension BucketFile: Comparable {
  /// The order of garbage: by kind, number, epoch.
  package static func < (left: BucketFile, right: BucketFile) -> Bool {
    (left.kind.rawValue, left.number, left.object.epoch)
      < (right.kind.rawValue, right.number, right.object.epoch)
  }
}

extension BucketManifest {
  /// Every file of the version.
  package var files: [BucketFile] {
    let numbers =
      version.segments.map { (BucketFile.Kind.segment, $0.number) }
      + version.valueFiles.map { (BucketFile.Kind.values, $0.number) }
    return zip(numbers, objects).map { BucketFile($0.0, $0.1, $1) }
  }
}
