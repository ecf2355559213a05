/// Inputs to begin with: `VarveFuzz seeds DIRECTORY`.
enum Seeds {
  /// Writes a folder of inputs for each target below `path`.
  static func write(to path: String) throws {
    var inputs = Inputs()
    try VectorSeeds.add(to: &inputs)
    try StoreSeeds.add(to: &inputs)
    try TierSeeds.add(to: &inputs)
    TextSeeds.add(to: &inputs)
    AnswerSeeds.add(to: &inputs)
    try inputs.write(to: path)
  }
}
