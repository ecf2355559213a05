import VarveFormat

extension FuzzTarget {
  /// All of them: `VarveFuzz list`. What is not here is not fuzzed.
  static let all: [FuzzTarget] = [
    // Files of a store, and parts of them.
    .header, .names, .log, .batch, .replay, .manifest, .block, .lz4Block, .zstdBlock, .index,
    .filter, .footer, .properties, .segment, .values,
    // A bucket, and who answers for it.
    .bucket, .tree, .s3Documents, .s3Answers, .s3Credentials,
    // What a machine keeps of it.
    .tail, .slots,
    // Whole stores.
    .directory, .operations,
    // The tool.
    .dump, .importJSON, .importTSV, .importVectors, .text,
    .canary,
  ]

  static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }

  /// Must crash on three letters, so that a run that finds nothing is known to be able to.
  static let canary = FuzzTarget("canary", upTo: 16) { bytes in
    promise(
      bytes.byte(at: 0) != 0x76 || bytes.byte(at: 1) != 0x61 || bytes.byte(at: 2) != 0x72,
      "the canary")
  }
}
