/// Guesses which known word a mistyped one was meant to be.
enum Spelling {
  /// The candidate that is fewest single-letter changes away, at most two; nil where none is near.
  static func nearest(to word: String, in candidates: [String]) -> String? {
    let ranked = candidates.map { (distance: distance(word, $0), word: $0) }
    guard let best = ranked.min(by: { $0.distance < $1.distance }), best.distance <= 2 else {
      return nil
    }
    return best.word
  }

  /// Insertions, deletions and replacements of letters that turn one word into the other
  /// (Levenshtein's distance), row by row.
  static func distance(_ left: String, _ right: String) -> Int {
    let right = Array(right)
    var row = Array(0...right.count)
    for (index, letter) in left.enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for column in right.indices {
        let replaced = diagonal + (right[column] == letter ? 0 : 1)
        diagonal = row[column + 1]
        row[column + 1] = min(replaced, diagonal + 1, row[column] + 1)
      }
    }
    return row[right.count]
  }
}
