/// One thing that was measured, and what the machine could do at best in its place.
struct Line: Encodable {
  enum Unit: String, Encodable {
    case nanoseconds = "ns"
    case microseconds = "us"
    case megabytesPerSecond = "MB/s"
  }

  var part: String
  var what: String
  var unit: Unit
  var value: Double
  /// The physical limit beside it.
  var limit: Double
  var limitName: String

  /// How many times the limit the part costs: 1 is as good as the machine gets.
  var ratio: Double { unit == .megabytesPerSecond ? limit / value : value / limit }
}

/// A measurement that the command line can choose.
struct Part: Sendable {
  var name: String
  var measure: @Sendable (Setting) throws -> [Line]

  static let all = [
    Part(name: "log", measure: LogPart.measure),
    Part(name: "memtable", measure: MemTablePart.measure),
    Part(name: "block", measure: BlockPart.measure),
    Part(name: "filter", measure: FilterPart.measure),
    Part(name: "checksum", measure: ChecksumPart.measure),
    Part(name: "merge", measure: MergePart.measure),
    Part(name: "codec", measure: CodecPart.measure),
    Part(name: "segment", measure: SegmentPart.measure),
  ]
}
