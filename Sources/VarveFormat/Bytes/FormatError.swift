/// What is wrong with a run of stored bytes: which structure, which rule, at which offset.
///
/// Small on purpose: throwing it costs nothing worth measuring. The layer that knows the file
/// turns it into an error that names the file.
package struct FormatError: Error, Equatable, Sendable {
  /// The structure of the spec that was being read.
  package enum Structure: String, Sendable, CaseIterable {
    case fileHeader = "file header"
    case fileName = "file name"
    case logRecord = "log record"
    case batch = "batch"
    case dataBlock = "data block"
    case filter = "filter"
    case blockIndex = "block index"
    case properties = "properties"
    case footer = "footer"
    case valueRecord = "value record"
    case valuePointer = "value pointer"
    case manifest = "manifest"
    case catalog = "keyspace record"
    case compressedBytes = "compressed bytes"
    case bucketObject = "bucket object"
    case bucketManifest = "bucket manifest"
    case bucketPin = "bucket pin"
    case bucketLog = "bucket log"
    case bucketTie = "bucket file"
  }

  /// The rule that was broken.
  package enum Fault: Sendable, Equatable {
    /// The bytes end before the structure does.
    case truncated
    /// The checksum stored is not the checksum of the bytes.
    case checksum(stored: UInt32, computed: UInt32)
    /// Not a file of this kind.
    case magic
    /// Written by a version this reader does not know.
    case version(UInt16)
    /// Feature bits this reader must know and does not.
    case features(UInt32)
    /// A field holds a value the spec does not allow.
    case value(String)
    /// A length, count or offset exceeds what the structure or the spec allows.
    case limit(String)
    /// Entries that must ascend do not.
    case order
    /// Bytes left over after the structure.
    case excess
    /// Something that other bytes prove to have been here is gone.
    case missing
  }

  package var structure: Structure
  package var fault: Fault
  /// Bytes from the start of the file (or of the piece named by `structure` where no file is known).
  package var offset: UInt64

  package init(_ structure: Structure, _ fault: Fault, at offset: UInt64) {
    self.structure = structure
    self.fault = fault
    self.offset = offset
  }
}

extension FormatError: CustomStringConvertible {
  package var description: String { "\(structure.rawValue) at offset \(offset): \(fault)" }
}

extension FormatError.Fault: CustomStringConvertible {
  package var description: String {
    switch self {
    case .truncated: "ends too early"
    case .checksum(let stored, let computed):
      "checksum mismatch (stored \(hex(stored)), computed \(hex(computed)))"
    case .magic: "wrong magic"
    case .version(let version): "format version \(version) is not known to this reader"
    case .features(let bits): "unknown feature bits \(hex(bits))"
    case .value(let what): "\(what) holds a value that is not allowed"
    case .limit(let what): "\(what) is too large"
    case .order: "out of order"
    case .excess: "followed by bytes that do not belong"
    case .missing: "is missing"
    }
  }

  private func hex(_ number: UInt32) -> String {
    let digits = String(number, radix: 16)
    return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
  }
}
