import Foundation
import VarvePlatform

/// Measures parts of the engine, each beside what the machine could do at best.
@main enum Bench {
  static let usage = """
    usage: tools/bench/run [--only A,B] [--rounds N] [--dir DIRECTORY] [--json FILE]

    Measures the parts of the engine by themselves, each beside its physical limit, measured in the
    same run: copying memory, a cache miss, a bare pread, pwrite or fdatasync. `times` is how many
    times the limit a part costs.

      --only A,B       parts: \(Part.all.map(\.name).joined(separator: ", "))
      --rounds N       times that everything is measured; medians are shown (5)
      --dir DIRECTORY  where files are made, and removed again (the current one)
      --json FILE      every figure
    """

  static func main() {
    do { try run() } catch {
      FileHandle.standardError.write(Data("bench: \(error)\n".utf8))
      exit(1)
    }
  }

  private static func run() throws {
    var rounds = 5
    var only: [String] = []
    var parent = "."
    var json: String?
    var arguments = CommandLine.arguments.dropFirst()
    while let option = arguments.popFirst() {
      guard option != "--help", let value = arguments.popFirst() else { return print(usage) }
      switch option {
      case "--only": only = value.split(separator: ",").map(String.init)
      case "--rounds": rounds = max(1, Int(value) ?? rounds)
      case "--dir": parent = value
      case "--json": json = value
      default: return print(usage)
      }
    }
    let path = "\(parent)/varve-bench-\(ProcessInfo.processInfo.processIdentifier)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let directory = try PosixFileSystem().openDirectory(at: path, create: true)
    let setting = try Setting(rounds: rounds, directory: directory)
    let parts = Part.all.filter { only.isEmpty || only.contains($0.name) }
    let lines = try parts.flatMap { try $0.measure(setting) }
    print(Table.text(lines))
    if let json { try JSONEncoder().encode(lines).write(to: URL(fileURLWithPath: json)) }
  }
}

/// Lines for a person.
enum Table {
  static func text(_ lines: [Line]) -> String {
    var rows = [["part", "", "measured", "", "limit", "times", "the limit is"]]
    rows += lines.map { line in
      [
        line.part, line.what, number(line.value), line.unit.rawValue, number(line.limit),
        number(line.ratio), line.limitName,
      ]
    }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return [2, 4, 5].contains(column) ? padding + row[column] : row[column] + padding
      }.joined(separator: "  ")
    }.joined(separator: "\n")
  }

  private static func number(_ value: Double) -> String {
    String(format: value < 10 ? "%.2f" : value < 1_000 ? "%.1f" : "%.0f", value)
  }
}
