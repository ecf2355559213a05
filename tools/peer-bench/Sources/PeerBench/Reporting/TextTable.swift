/// Rows of cells in columns that line up.
struct TextTable {
  var rows: [[String]] = []

  /// - Parameters:
  ///   - leading: how many first columns begin at the left; the rest ends at the right.
  ///   - trailing: how many last columns begin at the left too.
  func text(leading: Int, trailing: Int) -> String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    let lines = rows.map { row in
      row.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        let isLeft = column < leading || column >= columns - trailing
        return isLeft ? cell + space : space + cell
      }.joined(separator: "  ")
    }
    return lines.map(Self.withoutSpaceAtEnd).joined(separator: "\n")
  }

  private static func withoutSpaceAtEnd(_ line: String) -> String {
    guard let last = line.lastIndex(where: { $0 != " " }) else { return "" }
    return String(line[...last])
  }
}
