import Foundation

/// Draws to SVG text.
struct Canvas {
  let width: Double
  private var elements: [String] = []

  init(width: Double) { self.width = width }

  enum Anchor: String { case start, middle, end }

  mutating func text(
    _ text: String, _ x: Double, _ y: Double, size: Double = 12, color: String = Palette.ink,
    anchor: Anchor = .start, isBold: Bool = false
  ) {
    elements.append(
      "<text x='\(Self.short(x))' y='\(Self.short(y))' font-size='\(Self.short(size))' "
        + "fill='\(color)' text-anchor='\(anchor.rawValue)'"
        + (isBold ? " font-weight='600'" : "") + ">\(Self.escaped(text))</text>")
  }

  mutating func line(
    _ from: (x: Double, y: Double), _ to: (x: Double, y: Double), color: String,
    width: Double = 1, isDashed: Bool = false
  ) {
    elements.append(
      "<line x1='\(Self.short(from.x))' y1='\(Self.short(from.y))' x2='\(Self.short(to.x))' "
        + "y2='\(Self.short(to.y))' stroke='\(color)' stroke-width='\(Self.short(width))'"
        + (isDashed ? " stroke-dasharray='4 4'" : "") + "/>")
  }

  mutating func rectangle(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, color: String, radius: Double = 0
  ) {
    elements.append(
      "<rect x='\(Self.short(x))' y='\(Self.short(y))' width='\(Self.short(max(0, width)))' "
        + "height='\(Self.short(height))' rx='\(Self.short(radius))' fill='\(color)'/>")
  }

  /// An engine's place.
  ///
  /// - Parameters:
  ///   - isHollow: where the true place is beyond the edge.
  ///   - tip: shown by a browser where the pointer rests on it.
  mutating func mark(
    _ style: EngineStyle, _ x: Double, _ y: Double, radius: Double, isHollow: Bool = false,
    tip: String = ""
  ) {
    let title = tip.isEmpty ? "" : "<title>\(Self.escaped(tip))</title>"
    let (fill, edge) = isHollow ? (Palette.paper, style.color) : (style.color, Palette.paper)
    elements.append(
      "<path d='\(style.shape.path(x, y, radius))' fill='\(fill)' stroke='\(edge)' "
        + "stroke-width='\(isHollow ? 2 : 1)'>\(title)</path>")
  }

  mutating func polyline(_ points: [(x: Double, y: Double)], color: String, width: Double = 2) {
    let places = points.map { "\(Self.short($0.x)),\(Self.short($0.y))" }
    elements.append(
      "<polyline points='\(places.joined(separator: " "))' fill='none' stroke='\(color)' "
        + "stroke-width='\(Self.short(width))' stroke-linejoin='round'/>")
  }

  func svg(height: Double) -> String {
    """
    <svg xmlns='http://www.w3.org/2000/svg' width='\(Self.short(width))' \
    height='\(Self.short(height))' viewBox='0 0 \(Self.short(width)) \(Self.short(height))' \
    font-family='system-ui, "DejaVu Sans", Helvetica, Arial, sans-serif'>
    <rect width='100%' height='100%' fill='\(Palette.paper)'/>
    \(elements.joined(separator: "\n"))
    </svg>

    """
  }

  static func short(_ number: Double) -> String {
    let text = String(format: "%.1f", number)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  private static func escaped(_ text: String) -> String {
    text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
      .replacingOccurrences(of: ">", with: "&gt;")
  }
}
