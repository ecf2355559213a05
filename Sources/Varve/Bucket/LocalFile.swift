import VarveFormat
import VarveObjects

/// A sealed file of a version.
struct LocalFile: Sendable {
  var kind: BucketFile.Kind
  var number: UInt64
  var id: FileID
  var size: UInt64

  var name: FileName { FileName(kind == .segment ? .segment : .values, number) }

  var key: FileKey { FileKey(name: name, id: id) }
}

/// Which file is meant by a name: two machines that went on from one state give one number to two files.
struct FileKey: Hashable, Sendable {
  var name: FileName
  var id: FileID
}

extension Manifest {
  /// This version as a bucket has it: without logs, and without the values that only logs point to.
  var forBucket: Manifest {
    var version = self
    var needed: Set<UInt64> = []
    for segment in segments {
      for reference in segment.valueReferences { needed.insert(reference.file) }
    }
    version.valueFiles.removeAll { !needed.contains($0.number) }
    version.logs = []
    version.isCleanlyClosed = true
    return version
  }

  /// Whether both have the same files.
  func isSame(as other: Manifest) -> Bool {
    segments == other.segments && valueFiles == other.valueFiles
      && lastSequence == other.lastSequence
  }

  /// The files in the order in which a bucket's manifest names their copies.
  var bucketFiles: [LocalFile] {
    segments.map { LocalFile(kind: .segment, number: $0.number, id: $0.id, size: $0.size) }
      + valueFiles.map { LocalFile(kind: .values, number: $0.number, id: $0.id, size: $0.size) }
  }
}

extension BucketManifest {
  /// Where the copy of each file is.
  var copies: [FileKey: BucketObject] {
    // Of no number are two files in a version.
    Dictionary(zip(version.bucketFiles.map(\.key), objects)) { first, _ in first }
  }
}
