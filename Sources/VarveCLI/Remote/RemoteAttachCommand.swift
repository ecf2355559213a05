import Varve
import VarvePlatform

/// `varve remote attach` and `varve remote restore`: the beginning, and the new beginning.
enum RemoteAttachCommand {
  private static let takeOver = Option.flag(
    "--take-over", "although another machine wrote there last, which is fenced by that")

  static let specification = CommandSpecification(
    name: "remote attach", summary: "give a store a bucket for copies of its files",
    notes: [
      "Finds out whether the bucket keeps what a store needs of it, and makes or claims the store"
        + " there. From then on every command that opens the store connects to the bucket.",
      "Nothing is put there yet: 'varve remote upload' does.",
    ],
    operands: [.store, .bucket],
    options: [
      takeOver.specification, Option.endpoint.specification, Option.region.specification,
      Option.json.specification,
    ],
    examples: [
      .init("varve remote attach catalog.varve /mnt/cold/catalog", "A directory as the bucket."),
      .init("varve remote attach catalog.varve s3://bucket/catalog", "A bucket of S3."),
    ],
    run: attach)

  private static let number = Option.count(
    "--version", "N", in: 1...Int.max, default: "the newest",
    "go back to the version of this number")
  private static let abandoned = Option.flag(
    "--abandoned",
    "nobody writes to the bucket any more: more versions can be gone back to then")
  private static let incomplete = Option.flag(
    "--incomplete", "though files of the newest version are missing in the bucket")
  private static let checkpoint = Option.text(
    "--checkpoint", "NAME", "go back to the version that this checkpoint keeps")

  static let restore = CommandSpecification(
    name: "remote restore", summary: "make a store from what is in a bucket",
    notes: [
      "No file is fetched: they are read from the bucket when they are needed. 'varve remote"
        + " prefetch' brings them here. Whoever wrote to the bucket before is fenced: it keeps what"
        + " it has, and puts nothing there any more.",
      "From an earlier version the store goes on as it was then: what was put there later is no part of it any"
        + " more, and goes from the bucket with its garbage. 'varve remote versions' lists them. Without a"
        + " checkpoint that is safe for half an hour after the next version came; later only where nothing"
        + " writes to the bucket, or removes from it (--abandoned).",
    ],
    operands: [.bucket, .store],
    options: [
      number.specification, abandoned.specification, checkpoint.specification,
      incomplete.specification,
      Option.endpoint.specification,
      Option.region.specification, Option.json.specification,
    ],
    exclusive: [["--version", "--checkpoint"]],
    examples: [
      .init("varve remote restore /mnt/cold/catalog catalog.varve", "In the place of a lost one."),
      .init(
        "varve remote restore /mnt/cold/c new.varve --checkpoint before",
        "As it was when the checkpoint was made."),
    ],
    run: restore)

  private static func attach(_ invocation: Invocation) throws -> ExitStatus {
    let arguments = invocation.arguments
    var options = StoreOptions()
    options.createIfMissing = false
    // Before one is made there.
    guard !PosixPath.lies(BucketLocation(arguments[.bucket]).text, within: arguments[.store]) else {
      throw CommandFailure("the bucket lies in the store's own directory: name another place")
    }
    // Nor for a store that is not there, or has its bucket.
    let isNew = try SegmentStore.bucketLocation(ofStoreAt: arguments[.store]) == nil
    options.bucket = BucketOptions(try bucket(arguments, create: isNew))
    options.bucket?.uploadInterval = nil
    options.bucket?.takesOver = arguments[takeOver]
    try StoreSession.using(arguments[.store], options) { store in
      try say(try store.bucketStatus(), invocation)
    }
    return .good
  }

  private static func restore(_ invocation: Invocation) throws -> ExitStatus {
    let arguments = invocation.arguments
    var options = StoreOptions()
    options.bucket = BucketOptions(try bucket(invocation.arguments, create: false))
    options.bucket?.uploadInterval = nil
    options.bucket?.takesOver = arguments[incomplete]
    let store = try SegmentStore.open(
      fromBucketTo: arguments[.store], options: options, version: version(arguments))
    let status = try store.bucketStatus()
    try store.close()
    try say(status, invocation)
    return .good
  }

  private static func version(_ arguments: ParsedArguments) -> BucketVersion.Name {
    let isAbandoned = arguments[abandoned]
    if let name = arguments[checkpoint] { return .checkpoint(name, isAbandoned: isAbandoned) }
    if let number = arguments[number] {
      return .number(UInt64(number), isAbandoned: isAbandoned)
    }
    return .newest
  }

  private static func bucket(
    _ arguments: ParsedArguments, create: Bool
  ) throws -> any ObjectStore {
    try BucketLocation(
      arguments[.bucket], endpoint: arguments[.endpoint], region: arguments[.region]
    ).objectStore(create: create)
  }

  private static func say(_ status: BucketStatus, _ invocation: Invocation) throws {
    if !status.allowsRivals {
      invocation.messages.say(
        "note: the bucket does not say that of several writers at once one wins: let one machine"
          + " at a time open the store for writing")
    }
    guard !invocation.arguments[.json] else {
      return try invocation.output.write(json: { writer in
        writer.object { $0.bucketStatus(status) }
      })
    }
    let files = Quantity.count(UInt64(status.stored.files), "file", "files")
    invocation.messages.say(
      "writer \(status.epoch ?? 1) of \(status.location): \(files) there,"
        + " \(Quantity.bytes(status.stored.bytes))")
  }
}
