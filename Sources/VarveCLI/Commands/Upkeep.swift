import Varve
import VarveFormat

/// What flush and compact have in common: do it, and tell what it changed.
enum Upkeep {
  private struct Size {
    var segments: Int
    var valueFiles: Int
    var bytes: UInt64

    init(_ metrics: StoreMetrics) {
      segments = metrics.levels.reduce(0) { $0 + $1.segments }
      valueFiles = metrics.valueFiles
      bytes = metrics.levels.statedSum(\.bytes).addingStated(metrics.valueFileBytes)
    }

    var text: String {
      let files = [
        Quantity.count(UInt64(segments), "segment", "segments"),
        Quantity.count(UInt64(valueFiles), "value file", "value files"),
      ]
      return "\((valueFiles > 0 ? files : [files[0]]).joined(separator: " and ")), "
        + Quantity.bytes(bytes)
    }
  }

  static func run(
    _ invocation: Invocation, _ verb: String, _ body: (SegmentStore, Messages) throws -> Void
  ) throws -> ExitStatus {
    let arguments = invocation.arguments
    let (before, after) = try StoreSession.writing(
      arguments[.store], creates: false, memory: arguments[.memory],
      goesOnAlone: arguments[.withoutBucket]
    ) { store in
      let before = Size(store.metrics())
      try body(store, invocation.messages)
      return (before, Size(store.metrics()))
    }
    guard arguments[.json] else {
      invocation.messages.say("\(verb): \(before.text) -> \(after.text)")
      return .good
    }
    try invocation.output.write(json: { writer in
      writer.object { writer in
        writer.member("segments_before", before.segments)
        writer.member("value_files_before", before.valueFiles)
        writer.member("bytes_before", before.bytes)
        writer.member("segments", after.segments)
        writer.member("value_files", after.valueFiles)
        writer.member("bytes", after.bytes)
      }
    })
    return .good
  }
}
