import Varve
import VarveS3

/// `varve remote versions`: what a bucket has that a store can go back to.
enum RemoteVersionsCommand {
  private static let place = Operand(
    name: "BUCKET", help: "where the bucket is, or the directory of a store that has one")
  private static let most = Option.count(
    "--most", "N", in: 1...1_000_000, default: "20", "how many of the newest versions are shown")

  static let specification = CommandSpecification(
    name: "remote versions", summary: "list the versions that a bucket has",
    notes: [
      "The newest first, and those that checkpoints keep. 'varve remote restore' with --version or --checkpoint"
        + " makes a store of one. Without a checkpoint files of a version may go from half an hour after the next one on."
    ],
    operands: [place],
    options: [
      most.specification, Option.endpoint.specification, Option.region.specification,
      Option.json.specification,
    ],
    examples: [
      .init("varve remote versions /mnt/cold/catalog", "Of a bucket whose machine is lost."),
      .init("varve remote versions catalog.varve", "Of the bucket of a store."),
    ],
    run: run)

  private static func run(_ invocation: Invocation) throws -> ExitStatus {
    let arguments = invocation.arguments
    let text = arguments[place]
    let location =
      (text.contains("://") ? nil : try? SegmentStore.bucketLocation(ofStoreAt: text))
      .map { BucketLocation($0) }
      ?? BucketLocation(text, endpoint: arguments[.endpoint], region: arguments[.region])
    let versions = try SegmentStore.bucketVersions(
      in: location.objectStore(), most: arguments[most] ?? 20)
    for version in versions {
      if arguments[.json] {
        try invocation.output.write(json: { $0.version(version) })
      } else {
        try invocation.output.write(line: line(version, invocation.output.style))
      }
    }
    return versions.contains { $0.problem != nil } ? .negative : .good
  }

  private static func line(_ version: BucketVersion, _ style: Style) -> String {
    let files =
      version.files.map { files in
        "\(Quantity.count(UInt64(files.files), "file", "files")), \(Quantity.bytes(files.bytes))"
      } ?? style.bad(version.problem ?? "it cannot be read")
    let names = version.checkpoints.map { "checkpoint \($0)" }
    return ([String(version.number), CivilTime(milliseconds: version.written).text, files] + names)
      .joined(separator: "  ")
  }
}

extension JSONWriter {
  fileprivate mutating func version(_ version: BucketVersion) {
    object { writer in
      writer.member("version", version.number)
      writer.member("written", version.written)
      if let files = version.files {
        writer.member("files", files.files)
        writer.member("bytes", files.bytes)
      }
      if let problem = version.problem { writer.member("problem", problem) }
      writer.name("checkpoints")
      writer.array { writer in
        for name in version.checkpoints { writer.string(name) }
      }
    }
  }
}
