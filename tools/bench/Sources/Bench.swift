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
    var parts = Part.all
    var parent = "."
    var json: String?
    var arguments = CommandLine.arguments.dropFirst()
    while let option = arguments.popFirst() {
      if option == "--help" || option == "-h" { return print(usage) }
      func value() throws -> String {
        guard let value = arguments.popFirst() else { throw Wrong("\(option) needs a value") }
        return value
      }
      switch option {
      case "--only": parts = try Self.parts(try value())
      case "--rounds":
        guard let number = Int(try value()), number > 0 else {
          throw Wrong("--rounds needs a number above zero")
        }
        rounds = number
      case "--dir": parent = try value()
      case "--json":
        let file = try value()
        guard !FileManager.default.fileExists(atPath: file) else {
          throw Wrong("--json: \(file) is there already")
        }
        json = file
      default: throw Wrong("unknown option \(option)")
      }
    }
    try measure(parts, rounds, below: parent, json)
  }

  private static func parts(_ names: String) throws -> [Part] {
    try names.split(separator: ",").map { name in
      guard let part = Part.all.first(where: { $0.name == name }) else {
        throw Wrong("there is no part \(name)")
      }
      return part
    }
  }

  /// What is wrong with the command line.
  private struct Wrong: Error, CustomStringConvertible {
    let text: String
    init(_ text: String) { self.text = text }
    var description: String { "\(text); tools/bench/run --help lists the options" }
  }

  private static func measure(
    _ parts: [Part], _ rounds: Int, below parent: String, _ json: String?
  ) throws {
    let path = "\(parent)/varve-bench-\(ProcessInfo.processInfo.processIdentifier)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let directory = try PosixFileSystem().openDirectory(at: path, create: true)
    let writing = try PosixFileSystem(storesIntoLogs: false)
      .openDirectory(at: path, create: true)
    let setting = try Setting(
      rounds: rounds, directory: directory, writingDirectory: writing)
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
