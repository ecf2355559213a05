extension Program {
  /// Every command, in the order help shows them.
  static let allCommands: [CommandSpecification] =
    [
      ImportCommand.specification, ExportCommand.specification, PutCommand.specification,
      GetCommand.specification, DeleteCommand.specification, ScanCommand.specification,
      KeyspacesCommand.specification, StatsCommand.specification, DigestCommand.specification,
      FlushCommand.specification, CompactCommand.specification, VerifyCommand.specification,
      DumpCommand.specification,
    ] + RemoteCommands.all
}
