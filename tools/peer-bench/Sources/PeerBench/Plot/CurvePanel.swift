/// A curve for each engine over a few places, with a logarithmic scale of values.
struct CurvePanel {
  struct Curve {
    var peer: String
    /// A value for each place; nil where there is none.
    var values: [Double?]
  }

  var title: String
  var note: String
  var places: [String]
  var curves: [Curve]

  static let height = 300.0
  private static let head = 56.0
  private static let foot = 40.0
  private static let margin = 56.0

  func draw(on canvas: inout Canvas, at corner: (x: Double, y: Double), width: Double) {
    canvas.text(title, corner.x + 24, corner.y + 24, size: 15, isBold: true)
    canvas.text(note, corner.x + 24, corner.y + 42, size: 12, color: Palette.quiet)
    let (left, right) = (corner.x + Self.margin, corner.x + width - 96)
    let (top, bottom) = (corner.y + Self.head, corner.y + Self.height - Self.foot)
    let scale = LogScale(
      LogScale.range(around: curves.flatMap { $0.values.compactMap { $0 } }), from: bottom,
      to: top)
    for tick in scale.ticks {
      canvas.line((left, scale(tick)), (right, scale(tick)), color: Palette.grid)
      canvas.text(
        LogScale.label(tick), left - 8, scale(tick) + 4, size: 11, color: Palette.quiet,
        anchor: .end)
    }
    let step = (right - left) / Double(max(1, places.count - 1))
    for (place, name) in places.enumerated() {
      canvas.text(
        name, left + step * Double(place), bottom + 18, size: 11, color: Palette.quiet,
        anchor: .middle)
    }
    draw(curves, on: &canvas, scale) { left + step * Double($0) }
  }

  private func draw(
    _ curves: [Curve], on canvas: inout Canvas, _ scale: LogScale, x: (Int) -> Double
  ) {
    var labels: [(peer: String, x: Double, y: Double)] = []
    // The first engine lies above the others.
    for curve in curves.reversed() {
      let points = curve.values.enumerated().compactMap { place, value in
        value.map { (x: x(place), y: scale($0), value: $0) }
      }
      let style = Palette.style(curve.peer)
      canvas.polyline(points.map { ($0.x, $0.y) }, color: style.color)
      for point in points {
        canvas.mark(
          style, point.x, point.y, radius: 4.5,
          tip: "\(curve.peer): \(Report.short(point.value))")
      }
      if let last = points.last { labels.append((curve.peer, last.x, last.y)) }
    }
    for label in Self.apart(labels) {
      canvas.text(
        label.peer, label.x + 10, label.y + 4, size: 11, color: Palette.style(label.peer).color)
    }
  }

  /// Names that would cover each other move down.
  private static func apart(
    _ labels: [(peer: String, x: Double, y: Double)]
  ) -> [(peer: String, x: Double, y: Double)] {
    var lowest = -Double.infinity
    return labels.sorted { $0.y < $1.y }.map { label in
      lowest = max(label.y, lowest + 13)
      return (label.peer, label.x, lowest)
    }
  }
}
