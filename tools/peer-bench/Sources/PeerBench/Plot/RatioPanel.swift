import Foundation

/// A row for each line: where every engine stands beside the best of Varve's rivals, further right
/// the better, with the goal as a mark.
struct RatioPanel {
  enum Row {
    case heading(String)
    case line(LineResult, name: String)
  }

  private let title: String
  private let rows: [Row]
  static let rowHeight = 22.0
  private static let head = 78.0
  private static let foot = 34.0
  static let labelWidth = 318.0
  static let noteWidth = 210.0
  /// What lies further out than this is drawn at the edge.
  private static let reach = 0.02...20.0

  init?(_ title: String, _ rows: [Row]) {
    self.title = title
    self.rows = rows
    if rows.isEmpty { return nil }
  }

  var height: Double { Self.head + Self.rowHeight * Double(rows.count) + Self.foot }

  func draw(on canvas: inout Canvas, at top: Double) {
    let scale = LogScale(
      LogScale.range(
        around: positions.map { min(max($0, Self.reach.lowerBound), Self.reach.upperBound) }),
      from: Self.labelWidth, to: canvas.width - Self.noteWidth)
    canvas.text(title, 24, top + 24, size: 16, isBold: true)
    canvas.text(
      "Each engine's figure to that of the best of Varve's rivals in the line; hollow marks lie "
        + "beyond the edge.", 24, top + 42, size: 12, color: Palette.quiet)
    drawStripes(on: &canvas, top: top + Self.head)
    drawGrid(on: &canvas, scale, top: top + Self.head)
    for (place, row) in rows.enumerated() {
      let middle = top + Self.head + Self.rowHeight * (Double(place) + 0.5)
      switch row {
      case .heading(let text):
        canvas.text(text, 24, middle + 5, size: 12, color: Palette.quiet, isBold: true)
      case .line(let line, let name):
        RatioRow(line: line, name: name).draw(on: &canvas, scale, at: middle)
      }
    }
  }

  private func drawStripes(on canvas: inout Canvas, top: Double) {
    for place in rows.indices where place.isMultiple(of: 2) {
      canvas.rectangle(
        16, top + Self.rowHeight * Double(place), canvas.width - 32, Self.rowHeight,
        color: Palette.stripe, radius: 3)
    }
  }

  private func drawGrid(on canvas: inout Canvas, _ scale: LogScale, top: Double) {
    let bottom = top + Self.rowHeight * Double(rows.count)
    for tick in scale.ticks {
      let isOne = abs(tick - 1) < 1e-9
      canvas.line(
        (scale(tick), top), (scale(tick), bottom), color: isOne ? Palette.quiet : Palette.grid,
        width: isOne ? 1.5 : 1)
      for y in [top - 6, bottom + 16] {
        canvas.text(
          LogScale.label(tick, unit: "x"), scale(tick), y, size: 11, color: Palette.quiet,
          anchor: .middle, isBold: isOne)
      }
    }
    canvas.text(
      "better →", canvas.width - Self.noteWidth + 24, top - 6, size: 11, color: Palette.quiet)
    canvas.text(
      "← worse", Self.labelWidth - 30, top - 6, size: 11, color: Palette.quiet, anchor: .end)
  }

  /// Everything that has to have a place on the scale.
  private var positions: [Double] {
    rows.flatMap { row -> [Double] in
      guard case .line(let line, let name) = row else { return [] }
      return RatioRow(line: line, name: name).positions
    }
  }
}
