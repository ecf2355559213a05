/// Colors and shapes. Engines differ in both, so that nobody has to tell two colors apart.
enum Palette {
  static let paper = "#fcfcfa"
  static let ink = "#24292f"
  static let quiet = "#6e7781"
  static let grid = "#dfe3e7"
  static let stripe = "#f2f4f6"
  static let met = "#1a7f37"
  static let below = "#cf222e"

  static func style(_ peer: String) -> EngineStyle {
    let index = allPeers.firstIndex { $0.name == peer } ?? styles.count - 1
    return styles[index % styles.count]
  }

  /// In the order of ``allPeers``.
  private static let styles = [
    EngineStyle(color: "#0b63c5", shape: .circle),  // blue
    EngineStyle(color: "#e69f00", shape: .square),  // orange
    EngineStyle(color: "#00a383", shape: .triangle),  // green
    EngineStyle(color: "#9a4fd6", shape: .diamond),  // violet
    EngineStyle(color: "#c2417c", shape: .star),  // pink
    EngineStyle(color: "#7a4a21", shape: .wedge),  // brown
    EngineStyle(color: "#6e7781", shape: .cross),  // gray
  ]
}

struct EngineStyle {
  var color: String
  var shape: Shape

  enum Shape { case circle, square, triangle, diamond, star, wedge, cross }
}

extension EngineStyle.Shape {
  /// As large to the eye as a circle of that radius.
  func path(_ x: Double, _ y: Double, _ radius: Double) -> String {
    let r = radius
    let corners: [(Double, Double)] =
      switch self {
      case .circle: []
      case .square: [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]
      case .triangle: [(0, -1.2), (1.15, 0.85), (-1.15, 0.85)]
      case .diamond: [(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)]
      case .star:
        [
          (0, -1.35), (0.4, -0.4), (1.35, 0), (0.4, 0.4), (0, 1.35), (-0.4, 0.4), (-1.35, 0),
          (-0.4, -0.4),
        ]
      case .wedge: [(0, 1.2), (1.15, -0.85), (-1.15, -0.85)]
      case .cross:
        [
          (-0.4, -1.1), (0.4, -1.1), (0.4, -0.4), (1.1, -0.4), (1.1, 0.4), (0.4, 0.4), (0.4, 1.1),
          (-0.4, 1.1), (-0.4, 0.4), (-1.1, 0.4), (-1.1, -0.4), (-0.4, -0.4),
        ]
      }
    if corners.isEmpty {
      let (left, width, radius) = (Canvas.short(x - r), Canvas.short(2 * r), Canvas.short(r))
      return "M\(left) \(Canvas.short(y))a\(radius) \(radius) 0 1 0 \(width) 0"
        + "a\(radius) \(radius) 0 1 0 -\(width) 0z"
    }
    let points = corners.map { "\(Canvas.short(x + $0.0 * r)) \(Canvas.short(y + $0.1 * r))" }
    return "M" + points.joined(separator: "L") + "z"
  }
}
