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
  private var damaged: Set<String> = []

  /// What becomes of one more finding of a file. The first that is damage is told of in any case: whoever
  /// looks only for that sees it behind any number of notices.
  mutating func take(_ severity: IntegrityFinding.Severity, of file: String) -> Verdict {
    let count = counts[file, default: 0]
    let isFirstDamage = severity == .damage && damaged.insert(file).inserted
    guard count >= Self.most else {
      counts[file] = count + 1
      return .told
    }
    guard !isFirstDamage else { return .told }
    counts[file] = Self.most + 1
    return count == Self.most ? .firstUntold : .untold
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
