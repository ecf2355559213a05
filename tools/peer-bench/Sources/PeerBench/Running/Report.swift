import Foundation

/// A run's results as a table for people and as JSON.
struct Report: Encodable {
  var scale: Double
  var rounds: Int
  var lines: [LineResult]
  var space: [SpaceResult]

  /// Lines below this are slower than they may be.
  private static let leastRatio = 1.0 / 3

  var table: String {
    let peers = lines.first?.peers ?? []
    var rows = [["", "unit"] + peers + (peers.count > 1 ? ["\(peers[0]) / best other"] : [])]
    for line in lines {
      let ratio = line.ratio.map { ratio in
        [String(format: "%.2f", ratio) + (ratio < Self.leastRatio ? " !" : "  ")]
      }
      rows.append(
        [line.name, line.unit] + line.medians.map { String(format: "%.1f", $0) } + (ratio ?? []))
    }
    let kinds = DataKind.allCases.map(\.rawValue).filter { kind in
      space.contains { $0.data == kind }
    }
    for kind in kinds {
      let shares = peers.map { peer in
        space.first { $0.peer == peer && $0.data == kind }
          .map { String(format: "%.2f", Double($0.bytes) / Double($0.userBytes)) } ?? "-"
      }
      rows.append(["open on disk / user bytes, \(kind)", "x"] + shares)
    }
    return Self.aligned(rows)
  }

  private static func aligned(_ rows: [[String]]) -> String {
    var widths: [Int] = []
    for row in rows {
      for (column, cell) in row.enumerated() {
        if column == widths.count { widths.append(0) }
        widths[column] = max(widths[column], cell.count)
      }
    }
    let texts = rows.map { row in
      row.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return column < 2 ? cell + space : space + cell
      }.joined(separator: "  ")
    }
    return texts.joined(separator: "\n")
  }

  func writeJSON(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try encoder.encode(self).write(to: URL(fileURLWithPath: path))
  }
}
