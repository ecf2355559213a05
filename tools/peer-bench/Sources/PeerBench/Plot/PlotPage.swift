/// Panels below and beside each other.
struct PlotPage {
  var title: String
  var notes: [String]
  /// By name.
  var engines: [String]
  var ratios: [RatioPanel] = []
  var curves: [CurvePanel] = []

  private static let width = 1100.0

  var svg: String {
    var canvas = Canvas(width: Self.width)
    canvas.text(title, 24, 36, size: 20, isBold: true)
    var y = 56.0
    for note in notes {
      canvas.text(note, 24, y, size: 12, color: Palette.quiet)
      y += 16
    }
    y = drawLegend(on: &canvas, at: y + 10)
    for panel in ratios {
      panel.draw(on: &canvas, at: y)
      y += panel.height + 10
    }
    for (place, panel) in curves.enumerated() {
      let isLeft = place.isMultiple(of: 2)
      panel.draw(
        on: &canvas, at: (isLeft ? 0 : Self.width / 2, y), width: Self.width / 2)
      if !isLeft || place == curves.count - 1 { y += CurvePanel.height + 10 }
    }
    return canvas.svg(height: y + 10)
  }

  /// The engines that are there, and what else is drawn.
  private func drawLegend(on canvas: inout Canvas, at y: Double) -> Double {
    var x = 30.0
    for peer in engines {
      canvas.mark(Palette.style(peer), x, y, radius: 5.5)
      canvas.text(peer, x + 12, y + 4, size: 12)
      x += 36 + 7 * Double(peer.count)
    }
    guard !ratios.isEmpty else { return y + 14 }
    for (color, text) in [(Palette.met, "goal, met"), (Palette.below, "goal, not met")] {
      canvas.line((x, y - 9), (x, y + 9), color: color, width: 3)
      canvas.text(text, x + 10, y + 4, size: 12)
      x += 30 + 7 * Double(text.count)
    }
    return y + 14
  }
}
