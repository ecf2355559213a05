import Varve
import VarveFormat

/// `varve import`: entries from a file or a pipe.
enum ImportCommand {
  /// The forms of input.
  enum Format: String, CaseIterable {
    case jsonl, tsv, f32
  }

  private static let file = Operand(name: "FILE", help: "the file to read; - is standard input")
  private static let format = Option<Format>.choice(
    "--format", "what FILE holds (default: by its name, else jsonl)")
  private static let keys = Option.text(
    "--keys", "FILE", "for f32: the key of each row, one a line")
  private static let dimension = Option.count(
    "--dimension", short: "d", "N", in: 1...(1 << 28),
    "for f32: numbers in a row (default: the size of FILE by the number of keys)")
  private static let batch = Option.count(
    "--batch", short: "b", "N", in: 1...10_000_000, default: "1000",
    "entries that are committed together")
  private static let acknowledge = Option.flag(
    "--acknowledge", "after each commit, print how many entries are committed so far")

  static let specification = CommandSpecification(
    name: "import", summary: "read entries from a file into a store",
    notes: [
      "jsonl: one object a line, {\"key\": ..., \"value\": ...}. A string is stored as its UTF-8, any"
        + " other JSON value as its text, exactly as it stands in the line. \"key_hex\" and"
        + " \"value_hex\" hold bytes in hexadecimal; \"keyspace\" names another keyspace than"
        + " --keyspace; \"expires\" is milliseconds since 1970. Unknown members are errors.",
      "tsv: key, tab, value; the first tab of a line separates, the rest is taken as it stands.",
      "f32: rows of little-endian float32, without a header. A keyspace that is made for them keeps"
        + " its values aligned for computing on them in place.",
      "Makes the store and the keyspace when they are missing. Input of any size is read piece by"
        + " piece. Each batch is on disk before the next is read; with --durability buffered all of"
        + " it is made durable at the end. A program that feeds the pipe learns from --acknowledge"
        + " what it need not send again. At an error in the input the line is named, and the"
        + " batches before it stay.",
    ],
    operands: [.store, file],
    options: [
      Option.keyspace.specification, format.specification, keys.specification,
      dimension.specification, batch.specification, DurabilityChoice.option.specification,
      Option.memory.specification, Option.withoutBucket.specification, acknowledge.specification,
      Option.quiet.specification,
      Option.json.specification,
    ],
    exclusive: [["--acknowledge", "--json"]],
    examples: [
      .init(
        "varve import catalog.varve packages.jsonl --keyspace packages",
        "Reads JSON Lines into a keyspace of their own."),
      .init("zstd -dc packages.jsonl.zst | varve import catalog.varve -", "Reads from a pipe."),
      .init(
        "varve import catalog.varve vectors.f32 --keys vectors.keys -k vectors --dimension 384",
        "Reads vectors and their keys."),
    ],
    run: run)
}

// MARK: - Running

extension ImportCommand {
  private static func run(_ invocation: Invocation) throws -> ExitStatus {
    let arguments = invocation.arguments
    let format = arguments[format] ?? guess(arguments[file])
    try check(arguments, format)
    let input = try InputFile(arguments[file])
    let dimension = try dimension(format, input, arguments)
    let reader = try reader(format, input, arguments, dimension)
    let settings = ImportJob.Settings(
      keyspace: arguments[.keyspace],
      policy: dimension.map { .vectors(of: Float.self, dimension: $0) } ?? .default,
      batchEntries: arguments[batch] ?? 1000,
      durability: (arguments[DurabilityChoice.option] ?? .synced).durability,
      inputName: input.source.name)
    let progress = ProgressReporter(
      invocation.messages, totalBytes: input.size, isQuiet: arguments[.quiet])
    let acknowledgements = arguments[acknowledge] ? invocation.output : nil
    let end = try StoreSession.writing(
      arguments[.store], creates: true, memory: arguments[.memory],
      goesOnAlone: arguments[.withoutBucket]
    ) { store in
      var job = ImportJob(store, settings, progress, acknowledgements)
      return try job.run(reader)
    }
    guard arguments[.json] else { return .good }
    try invocation.output.write(json: { writer in
      writer.object { writer in
        writer.member("entries", end.entries ?? 0)
        writer.member("bytes", end.bytes)
        writer.name("seconds")
        writer.number(end.seconds, places: 3)
      }
    })
    return .good
  }

  /// By the end of the file's name.
  static func guess(_ path: String) -> Format {
    let ending = path.split(separator: ".").last.map(String.init) ?? ""
    return path.contains(".") ? Format(rawValue: ending) ?? .jsonl : .jsonl
  }

  private static func check(_ arguments: ParsedArguments, _ format: Format) throws(UsageError) {
    if format == .f32 {
      guard let keys = arguments[keys] else { throw UsageError("f32 needs --keys FILE") }
      guard keys != "-" || arguments[file] != "-" else {
        throw UsageError("rows and keys cannot both come from standard input")
      }
    } else if arguments[keys] != nil || arguments[dimension] != nil {
      throw UsageError("--keys and --dimension are for --format f32")
    }
  }

  /// Numbers in a row of vectors; nil for other formats.
  private static func dimension(
    _ format: Format, _ input: InputFile, _ arguments: ParsedArguments
  ) throws -> Int? {
    guard format == .f32 else { return nil }
    let keys = arguments[keys] ?? "-"
    guard let given = arguments[dimension] else {
      return try VectorReader.dimension(of: input, keys: keys)
    }
    try VectorReader.check(given, of: input, keys: keys)
    return given
  }

  private static func reader(
    _ format: Format, _ input: InputFile, _ arguments: ParsedArguments, _ dimension: Int?
  ) throws -> any RecordReader {
    switch format {
    case .jsonl: return JSONLinesReader(input.source)
    case .tsv: return TSVReader(input.source)
    case .f32:
      return VectorReader(
        rows: input.source, keys: try InputFile(arguments[keys] ?? "-").source,
        dimension: dimension ?? 1)
    }
  }
}
