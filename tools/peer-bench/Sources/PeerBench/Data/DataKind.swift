/// The data of a line.
enum DataKind: String, CaseIterable, Codable {
  /// 16-byte keys, values of 100 bytes.
  case small
  /// 16-byte keys, values of 3 KiB.
  case large
  /// Small ones for a fill that goes on.
  case many
  /// Small ones, many times what a limited memory holds.
  case beyond
  /// Small ones, always as many, for stores of many files.
  case files
  /// Real package records.
  case packages
  /// Real embeddings.
  case embeddings

  /// What a directory of real data holds.
  static let fileNames = [
    "packages.jsonl.zst", "package-embeddings.f32", "package-embeddings.keys",
  ]

  var isReal: Bool { self == .packages || self == .embeddings }

  /// - Parameter records: how many in the place of the usual number.
  func dataset(scale: Double, records: Int? = nil, files: String?) throws -> Dataset {
    func made(_ count: Int, _ valueBytes: Int, least: Int = 100) -> Dataset {
      let scaled = max(least, Int(Double(count) * scale))
      return Dataset(count: records ?? scaled, valueBytes: valueBytes)
    }
    switch self {
    case .small: return made(1_000_000, 100)
    case .large: return made(200_000, 3 << 10)
    case .many: return made(20_000_000, 100)
    case .beyond: return made(8_000_000, 100, least: 500_000)
    case .files: return Dataset(count: records ?? 600_000, valueBytes: 100)
    case .packages: return try .packages(in: Self.directory(files))
    case .embeddings: return try .embeddings(in: Self.directory(files))
    }
  }

  private static func directory(_ files: String?) throws -> String {
    guard let files else { throw PeerFailure(description: "no directory of real data was named") }
    return files
  }
}
