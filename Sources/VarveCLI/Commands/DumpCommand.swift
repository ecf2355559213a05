/// `varve dump`: what is in a file, byte by byte.
enum DumpCommand {
  private static let path = Operand(
    name: "PATH",
    help: "a log, segment, value file or manifest, an object of a bucket ('store', 'manifest/N',"
      + " 'log/N', 'pin/NAME'), a store's file 'bucket', or the directory of a store")
  private static let blocks = Option.flag(
    "--blocks", "a line for each block, log record and value")
  private static let entries = Option.flag(
    "--entries", "a line for each entry as well")
  private static let hex = Option.flag("--hex", "keys and values in hexadecimal")

  static let specification = CommandSpecification(
    name: "dump", summary: "show what is in a file of a store or bucket, damaged or not",
    notes: [
      "Takes no lock and changes nothing, so it works beside a running writer. Whatever can be read"
        + " of a damaged file is shown; each flaw is a line of its own that says structure, offset"
        + " and problem. The exit status is 1 where there is damage.",
      "With --json each line is one object: \"what\", \"offset\", \"length\" and its fields; keys"
        + " and values that are not UTF-8 are in \"key_hex\" and \"value_hex\".",
    ],
    operands: [path],
    options: [
      blocks.specification, entries.specification, hex.specification, Option.json.specification,
    ],
    examples: [
      .init("varve dump catalog.varve", "The files of a store and its newest version."),
      .init(
        "varve dump catalog.varve/segment-0000000000000004 --blocks",
        "The layout of a segment, with every block."),
      .init(
        "varve dump catalog.varve/log-0000000000000001 --entries --json",
        "Every write in a log, for a program."),
      .init(
        "varve dump /mnt/cold/catalog/manifest/00000000000000000007",
        "A version in a bucket that is a directory; of another, a copy of the object."),
    ],
    run: run)

  private static func run(_ invocation: Invocation) throws -> ExitStatus {
    let arguments = invocation.arguments
    let writer = DumpWriter(
      invocation.output,
      .init(
        blocks: arguments[blocks], entries: arguments[entries], asJSON: arguments[.json],
        asHex: arguments[hex]))
    try StoreDump(writer).run(arguments[path])
    try writer.check()
    return writer.damageCount == 0 ? .good : .negative
  }
}
