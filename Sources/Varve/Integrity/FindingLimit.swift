/// How many findings of each file are told of: a forged file can hold as many flaws as it has bytes.
struct FindingLimit {
  /// Whoever has read so many needs no more to know what to do with the file.
  static let most = 1_000

  enum Verdict {
    case told
    /// The first one that is not told of: that there are more is.
    case firstUntold
    case untold
  }

  private var counts: [String: Int] = [:]

  /// What becomes of one more finding of a file.
  mutating func take(of file: String) -> Verdict {
    let count = counts[file, default: 0]
    guard count <= Self.most else { return .untold }
    counts[file] = count + 1
    return count < Self.most ? .told : .firstUntold
  }
}

extension IntegrityFinding {
  /// Says of a file that it has more findings than are told of.
  static func more(in file: String) -> IntegrityFinding {
    IntegrityFinding(
      .notice, file,
      "has more findings: only the first \(FindingLimit.most) are told of, all are counted")
  }
}
