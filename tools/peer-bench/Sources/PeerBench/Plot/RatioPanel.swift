import Foundation

/// A row for each line: where every engine stands beside the best of Varve's rivals, further right
/// the better, with the goal as a mark.
struct RatioPanel {
  private let title: String
  private let lines: [LineResult]
  private static let rowHeight = 22.0
  private static let head = 58.0
  private static let labelWidth = 300.0
  private static let noteWidth = 150.0

  init?(_ title: String, _ lines: [LineResult]) {
    self.title = title
    self.lines = lines.filter { $0.ratioToBest != nil && $0.figure.isPlotted }
    if self.lines.isEmpty { return nil }
  }

  var height: Double { Self.head + Self.rowHeight * Double(lines.count) + 34 }

  func draw(on canvas: inout Canvas, at top: Double) {
    let scale = LogScale(
      LogScale.range(around: Array(positions.joined()).map { min(max($0, 0.02), 20) }),
      from: Self.labelWidth, to: canvas.width - Self.noteWidth)
    canvas.text(title, 24, top + 24, size: 16, isBold: true)
    canvas.text(
      "times the best of the others, right is better; | marks the goal", 24, top + 42, size: 12,
      color: Palette.quiet)
    let bottom = top + Self.head + Self.rowHeight * Double(lines.count)
    for place in lines.indices where place.isMultiple(of: 2) {
      canvas.rectangle(
        16, top + Self.head + Self.rowHeight * Double(place), canvas.width - 32, Self.rowHeight,
        color: Palette.stripe, radius: 3)
    }
    drawGrid(on: &canvas, scale, top: top + Self.head, bottom: bottom)
    for (place, line) in lines.enumerated() {
      let middle = top + Self.head + Self.rowHeight * (Double(place) + 0.5)
      draw(line, on: &canvas, scale, at: middle)
    }
  }

  private func drawGrid(
    on canvas: inout Canvas, _ scale: LogScale, top: Double, bottom: Double
  ) {
    for tick in scale.ticks {
      let isOne = abs(tick - 1) < 1e-9
      canvas.line(
        (scale(tick), top), (scale(tick), bottom), color: isOne ? Palette.quiet : Palette.grid,
        width: isOne ? 1.5 : 1)
      canvas.text(
        LogScale.label(tick), scale(tick), bottom + 16, size: 11, color: Palette.quiet,
        anchor: .middle)
    }
  }

  private func draw(
    _ line: LineResult, on canvas: inout Canvas, _ scale: LogScale, at middle: Double
  ) {
    canvas.text(line.name, Self.labelWidth - 12, middle + 4, anchor: .end)
    guard let own = line.ratioToBest.map({ Self.position($0, line) }) else { return }
    let progress = line.goals.compactMap { $0.progress(line) }
    let isMet = progress.allSatisfy { $0 >= 1 }
    let color = progress.isEmpty ? Palette.own : isMet ? Palette.met : Palette.below
    canvas.line((scale(1), middle), (scale(own), middle), color: color, width: 3)
    for progress in progress {
      let goal = scale(own / progress)
      canvas.line((goal, middle - 8), (goal, middle + 8), color: Palette.ink, width: 2)
    }
    for (peer, value) in rivals(line) {
      let tip = "\(peer): \(Report.short(line.median(of: peer))) \(line.figure.kind.unit)"
      canvas.dot(scale(value), middle, radius: 4, color: Palette.color(peer), tip: tip)
    }
    let tip = "\(line.peers[0]): \(Report.short(line.own)) \(line.figure.kind.unit)"
    canvas.dot(scale(own), middle, radius: 6.5, color: color, tip: tip)
    let note = String(format: "%.2f x", own) + (line.best.map { " \($0.peer)" } ?? "")
    canvas.text(
      note, canvas.width - Self.noteWidth + 16, middle + 4, size: 11, color: Palette.quiet)
  }

  /// More than one is better than the best of the others, whatever the figure.
  private static func position(_ ratio: Double, _ line: LineResult) -> Double {
    line.figure.kind.isLowerBetter ? 1 / ratio : ratio
  }

  private func rivals(_ line: LineResult) -> [(peer: String, position: Double)] {
    guard let best = line.best?.value else { return [] }
    return line.peers.dropFirst().compactMap { peer in
      line.median(of: peer).map { (peer, Self.position($0 / best, line)) }
    }
  }

  /// Everything that has to have a place on the scale.
  private var positions: [[Double]] {
    lines.map { line in
      let own = line.ratioToBest.map { Self.position($0, line) } ?? 1
      let goals = line.goals.compactMap { $0.progress(line) }.map { own / $0 }
      return [own, 1] + goals + rivals(line).map(\.position)
    }
  }
}
