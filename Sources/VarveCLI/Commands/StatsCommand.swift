import Varve

/// `varve stats`: what a store holds, and what its options come to on this machine.
enum StatsCommand {
  static let specification = CommandSpecification(
    name: "stats", summary: "show what a store holds",
    notes: [
      "Entries in segments and memtables count overwritten and deleted ones too, until a compaction"
        + " collects them. The last group is what follows from the memory budget."
    ],
    operands: [.store], options: [Option.memory.specification, Option.json.specification],
    examples: [
      .init("varve stats catalog.varve", "A page for people."),
      .init("varve stats catalog.varve --json", "The same for a program."),
    ],
    run: run)

  private static func run(_ invocation: Invocation) throws -> ExitStatus {
    let arguments = invocation.arguments
    let metrics = try StoreSession.reading(arguments[.store], memory: arguments[.memory]) {
      $0.metrics()
    }
    let output = invocation.output
    if arguments[.json] {
      try output.write(json: { $0.metrics(metrics) })
    } else {
      for line in StatsText.lines(metrics, output.style) { try output.write(line: line) }
    }
    return .good
  }
}

/// Metrics as a page of text.
enum StatsText {
  static func lines(_ metrics: StoreMetrics, _ style: Style) -> [String] {
    var lines = [style.bold("content")]
    lines += rows([
      ("keyspaces", Quantity.grouped(UInt64(metrics.keyspaces))),
      ("last sequence", Quantity.grouped(metrics.lastSequence)),
      ("version", Quantity.grouped(metrics.manifestNumber)),
      ("in memory and logs", Quantity.count(UInt64(metrics.memTableEntries), "entry", "entries")),
    ])
    lines.append(style.bold("segments"))
    let levels = metrics.levels.enumerated().filter { $1.segments > 0 }
    lines += rows(
      levels.map { level, content in
        let entries = Quantity.count(content.entries, "entry", "entries")
        return (
          "level \(level)", "\(content.segments), \(Quantity.bytes(content.bytes)), \(entries)"
        )
      })
    if levels.isEmpty { lines.append("  none") }
    lines.append(style.bold("value files"))
    lines += rows([
      ("files", "\(metrics.valueFiles), \(Quantity.bytes(metrics.valueFileBytes))"),
      ("of that in use", Quantity.bytes(metrics.liveValueBytes)),
    ])
    lines.append(style.bold("derived from the memory budget"))
    lines += rows(metrics.derivedOptions.map { ($0.name, Quantity.bytes($0.bytes)) })
    return lines
  }

  private static func rows(_ rows: [(String, String)]) -> [String] {
    rows.map { name, value in
      "  \(name)\(String(repeating: " ", count: max(1, 26 - name.count)))\(value)"
    }
  }
}

extension JSONWriter {
  mutating func metrics(_ metrics: StoreMetrics) {
    object { writer in
      writer.member("keyspaces", metrics.keyspaces)
      writer.member("last_sequence", metrics.lastSequence)
      writer.member("manifest_number", metrics.manifestNumber)
      writer.member("memtable_entries", metrics.memTableEntries)
      writer.member("memtable_bytes", metrics.memTableBytes)
      writer.name("levels")
      writer.array { writer in
        for level in metrics.levels {
          writer.object { writer in
            writer.member("segments", level.segments)
            writer.member("bytes", level.bytes)
            writer.member("entries", level.entries)
          }
        }
      }
      writer.member("value_files", metrics.valueFiles)
      writer.member("value_file_bytes", metrics.valueFileBytes)
      writer.member("live_value_bytes", metrics.liveValueBytes)
      writer.name("derived_bytes")
      writer.object { writer in
        for option in metrics.derivedOptions {
          writer.member(Self.memberName(option.name), option.bytes)
        }
      }
    }
  }
}
