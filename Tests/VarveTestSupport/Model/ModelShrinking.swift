package import VarveSimulation

/// A failing run made small: fewer and plainer operations, plainer options.
package struct SmallFailure {
  package var options: ModelOptions
  package var operations: [ModelOperation]
  package var what: String
  /// How many runs it took.
  package var tries = 1

  /// The failure as a test to paste.
  package var swift: String {
    "// \(what)\n" + swiftTest(named: "storeAndModelAgree", options, operations)
  }
}

extension ModelRun {
  /// Cuts a failing run down; nil where it does not fail when it is run again.
  ///
  /// - Parameters:
  ///   - tries: runs that it may take, about.
  ///   - prepare: done to each disk before it is first used.
  package static func shrunk(
    _ operations: [ModelOperation], _ options: ModelOptions, tries: Int = 3_000,
    preparing prepare: @escaping (SimulatedFileSystem) -> Void = { _ in }
  ) -> SmallFailure? {
    let failure = { outcome(of: $0, $1, preparing: prepare).failure }
    guard let first = failure(operations, options) else { return nil }
    var small = SmallFailure(options: options, operations: operations, what: first.what)
    // What comes behind has no part in it.
    let reached = Array(operations.prefix(first.place + 1))
    if failure(reached, options) != nil { small.operations = reached }
    while small.tries < tries {
      let before = (small.options, small.operations)
      cut(&small, tries) { failure($0, $1) != nil }
      simplifyOptions(&small) { failure($0, $1) != nil }
      if before == (small.options, small.operations) { break }
    }
    small.what = failure(small.operations, small.options)?.what ?? small.what
    return small
  }

  private static func cut(
    _ small: inout SmallFailure, _ tries: Int, _ fails: ([ModelOperation], ModelOptions) -> Bool
  ) {
    let options = small.options
    let mayTry = tries - small.tries
    withoutActuallyEscaping(fails) { fails in
      var shrinker = Shrinker(tries: mayTry, simpler: \ModelOperation.simpler) {
        fails($0, options)
      }
      small.operations = shrinker.shrunk(small.operations)
      small.tries += mayTry - shrinker.remainingTries
    }
  }

  private static func simplifyOptions(
    _ small: inout SmallFailure, _ fails: ([ModelOperation], ModelOptions) -> Bool
  ) {
    var plainer: ModelOptions? = small.options
    while let options = plainer {
      small.options = options
      plainer = options.simpler.first { options in
        small.tries += 1
        return fails(small.operations, options)
      }
    }
  }
}
