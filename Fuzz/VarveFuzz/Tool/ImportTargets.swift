import VarveFormat

@testable import VarveCLI

// What `varve import` reads. However the input is cut into pieces, the same entries come out of it, or
// the same error at the same place.

extension FuzzTarget {
  /// JSON Lines; what is read is what `varve export` would write, so it is written and read again.
  static let importJSON = FuzzTarget("import-json", upTo: 4 << 10) { bytes in
    let outcome = ImportOutcome.agreed(bytes) { JSONLinesReader($0) }
    for record in outcome.records {
      let line = try exported(record)
      let again = ImportOutcome(JSONLinesReader(MemorySource(line, pieceBytes: 512)))
      promise(again.error == nil && again.records == [record], "an export is not read back")
    }
  }

  /// Lines of a key, a tab and a value.
  static let importTSV = FuzzTarget("import-tsv", upTo: 4 << 10) { bytes in
    let outcome = ImportOutcome.agreed(bytes) { TSVReader($0) }
    for record in outcome.records {
      promise(!record.key.contains(0x09) && !record.key.contains(0x0a), "a key with a tab")
    }
  }

  /// Rows of numbers, and keys: the first byte is the dimension, the second says where the keys begin.
  static let importVectors = FuzzTarget("import-vectors", upTo: 4 << 10) { bytes in
    let dimension = 1 + Int(bytes.byte(at: 0) ?? 0) % 8
    let rowBytes = 16 * Int(bytes.byte(at: 1) ?? 0)
    let rest = bytes.dropping(2)
    let keys = rest.dropping(rowBytes).array
    let outcome = ImportOutcome.agreed(rest.prefix(rowBytes)) { rows in
      VectorReader(rows: rows, keys: MemorySource(keys, pieceBytes: 3), dimension: dimension)
    }
    for record in outcome.records {
      promise(record.value.count == 4 * dimension, "a row of another size")
    }
  }

  private static func exported(_ record: ImportRecord) throws -> [UInt8] {
    let output = Output(descriptor: -1, isTerminal: false, style: .plain, threshold: 1 << 20)
    try output.write(
      entry: record.key.span, record.value.span,
      expiry: record.expiry == 0 ? nil : record.expiry, keyspace: record.keyspace)
    var line: [UInt8] = []
    try output.append { buffer in
      line = buffer
      buffer = []
    }
    return line
  }
}

/// The entries that a reader yields, and the error that ends them.
struct ImportOutcome: Equatable {
  private(set) var records: [ImportRecord] = []
  private(set) var error: InputError?

  init(_ reader: some RecordReader) {
    var reader = reader
    var record = ImportRecord()
    do {
      while try reader.next(into: &record) { records.append(record) }
    } catch {
      self.error = error as? InputError
      promise(self.error != nil, "\(error)")
    }
  }

  /// What readers of pieces of all sizes agree on.
  static func agreed<Reader: RecordReader>(
    _ bytes: ByteView, _ reader: (MemorySource) -> Reader
  ) -> ImportOutcome {
    let whole = ImportOutcome(reader(MemorySource(bytes.array, pieceBytes: 1 << 20)))
    for pieceBytes in [1, 3, 16] {
      let outcome = ImportOutcome(reader(MemorySource(bytes.array, pieceBytes: pieceBytes)))
      promise(outcome == whole, "pieces of \(pieceBytes) bytes give something else")
    }
    return whole
  }
}
