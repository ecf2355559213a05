/// Makes a failing list small: pure, whatever a list and a failure may be.
///
/// ```
///   cut       half of it, quarters, ... single elements      (delta debugging)
///   simplify  each element, to the first simpler one with which it still fails
///   again     until a whole round changes nothing
/// ```
///
/// Source: Zeller, Hildebrandt, "Simplifying and isolating failure-inducing input" (2002).
package struct Shrinker<Element> {
  /// Other elements that are plainer, the plainest first. Never one that leads back.
  package var simpler: (Element) -> [Element]
  package var fails: ([Element]) -> Bool
  /// How often `fails` may still be asked.
  package private(set) var remainingTries: Int

  package init(
    tries: Int = 5_000, simpler: @escaping (Element) -> [Element] = { _ in [] },
    fails: @escaping ([Element]) -> Bool
  ) {
    remainingTries = tries
    self.simpler = simpler
    self.fails = fails
  }

  /// The smallest list found that still fails, from one that does.
  package mutating func shrunk(_ list: [Element]) -> [Element] {
    var list = list
    var isChanged = true
    while isChanged, remainingTries > 0 {
      isChanged = cut(&list)
      isChanged = simplify(&list) || isChanged
    }
    return list
  }

  private mutating func stillFails(_ list: [Element]) -> Bool {
    guard remainingTries > 0 else { return false }
    remainingTries -= 1
    return fails(list)
  }

  private mutating func cut(_ list: inout [Element]) -> Bool {
    let before = list.count
    var length = max(1, list.count / 2)
    while true {
      var start = 0
      while start < list.count {
        var shorter = list
        shorter.removeSubrange(start..<min(list.count, start + length))
        if stillFails(shorter) { list = shorter } else { start += length }
      }
      if length == 1 { return list.count < before }
      length /= 2
    }
  }

  private mutating func simplify(_ list: inout [Element]) -> Bool {
    var isChanged = false
    for index in list.indices {
      while let plainer = firstSimpler(of: index, in: list) {
        list[index] = plainer
        isChanged = true
      }
    }
    return isChanged
  }

  private mutating func firstSimpler(of index: Int, in list: [Element]) -> Element? {
    for candidate in simpler(list[index]) {
      var changed = list
      changed[index] = candidate
      if stillFails(changed) { return candidate }
    }
    return nil
  }
}
