import Foundation

/// One line of a panel: its name, the engines' places, the goals, and the same in words.
struct RatioRow {
  let line: LineResult
  let name: String

  func draw(on canvas: inout Canvas, _ scale: LogScale, at middle: Double) {
    canvas.text(name, RatioPanel.labelWidth - 16, middle + 4, anchor: .end)
    guard let own else { return }
    let style = Palette.style(line.peers[0])
    canvas.line((scale(1), middle), (scale(own), middle), color: style.color, width: 3)
    for goal in goals {
      let (x, color) = (scale(goal.position), goal.isMet ? Palette.met : Palette.below)
      canvas.line((x, middle - 10), (x, middle + 10), color: color, width: 4)
    }
    for (peer, position) in rivals {
      mark(peer, position, radius: 4.5, on: &canvas, scale, middle)
    }
    mark(line.peers[0], own, radius: 6.5, on: &canvas, scale, middle)
    drawNote(own, on: &canvas, at: middle + 4)
  }

  private func mark(
    _ peer: String, _ position: Double, radius: Double, on canvas: inout Canvas,
    _ scale: LogScale, _ middle: Double
  ) {
    canvas.mark(
      Palette.style(peer), scale(position), middle, radius: radius,
      isHollow: !scale.range.contains(position),
      tip: "\(peer): \(Report.short(line.median(of: peer))) \(line.figure.kind.unit)")
  }

  private func drawNote(_ own: Double, on canvas: inout Canvas, at y: Double) {
    let left = canvas.width - RatioPanel.noteWidth + 16
    let ratio = own >= 100 ? ">100" : own < 0.01 ? "<0.01" : String(format: "%.2f", own)
    canvas.text("\(ratio) x \(line.best?.peer ?? "")", left, y, size: 11, color: Palette.ink)
    guard let worst = goals.min(by: { $0.progress < $1.progress }) else { return }
    let text = worst.isMet ? "goal met" : String(format: "%.0f %% of goal", 100 * worst.progress)
    canvas.text(
      text, canvas.width - 24, y, size: 11, color: worst.isMet ? Palette.met : Palette.below,
      anchor: .end, isBold: true)
  }

  // MARK: - Places

  private var own: Double? { line.ratioToBest.map(position) }

  private var goals: [(position: Double, progress: Double, isMet: Bool)] {
    guard let own else { return [] }
    return line.goals.compactMap { $0.progress(line) }.map { (own / $0, $0, $0 >= 1) }
  }

  private var rivals: [(peer: String, position: Double)] {
    guard let best = line.best?.value else { return [] }
    return line.peers.dropFirst().compactMap { peer in
      line.median(of: peer).map { (peer, position($0 / best)) }
    }
  }

  var positions: [Double] {
    (own.map { [$0, 1] } ?? []) + goals.map(\.position) + rivals.map(\.position)
  }

  /// More than one is better than the best of the others, whatever the figure.
  private func position(_ ratio: Double) -> Double {
    line.figure.kind.isLowerBetter ? 1 / ratio : ratio
  }
}
