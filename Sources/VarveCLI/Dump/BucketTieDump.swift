import VarveFormat

/// Dumps what a store on disk knows of its bucket: the file `bucket`.
struct BucketTieDump {
  let writer: DumpWriter
  let file: ByteView

  /// The lines of a file whose body has `bodyBytes` bytes.
  func show(_ tie: BucketTie, _ bodyBytes: UInt64) {
    let start = UInt64(ObjectFrame.byteCount)
    writer.write(item(tie, at: start, bodyBytes))
    for id in tie.writers {
      var item = DumpItem("writer", depth: 1)
      item.add("id", id)
      writer.write(item)
    }
    guard let head = tie.head else { return }
    // Lengths of the location and of the manifest, the count of writers, and the state.
    let before = 2 + tie.location.utf8.count + 1 + 16 * tie.writers.count + 1 + 4
    let place = ObjectFrame.byteCount + before
    BucketManifestDump(writer: writer, object: file.dropping(place), start: UInt64(place)).show(
      head)
  }

  private func item(_ tie: BucketTie, at offset: UInt64, _ bodyBytes: UInt64) -> DumpItem {
    var item = DumpItem("bucket", at: offset, length: bodyBytes)
    item.add("location", Array(tie.location.utf8))
    item.add("state", "\(tie.state)")
    item.add("writers", tie.writers.count)
    if let apart = tie.apartSince {
      item.add("apart since manifest", apart.manifest)
      item.add("apart since sequence", apart.last.rawValue)
    }
    if !tie.uploads.isEmpty { item.add("noted uploads", tie.uploads.count) }
    return item
  }
}
