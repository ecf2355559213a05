extension Program {
  /// Every command, in the order help shows them.
  static let allCommands: [CommandSpecification] = [
    DumpCommand.specification, VerifyCommand.specification,
  ]
}
