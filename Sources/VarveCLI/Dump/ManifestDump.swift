import VarveFormat

/// Dumps a manifest: one version of a store, file by file.
struct ManifestDump {
  let writer: DumpWriter

  func run(_ bytes: ByteView) {
    let flaws = writer.damageCount
    guard writer.header(of: bytes, as: .manifest) != nil else { return }
    let manifest: Manifest
    do throws(FormatError) { manifest = try Manifest(decoding: bytes) } catch {
      // What is wrong with the header alone was said with the header.
      if error.structure != .fileHeader || writer.damageCount == flaws { writer.damage(error) }
      return
    }
    show(manifest, size: UInt64(bytes.count))
  }

  /// The lines of a manifest of `size` bytes that begins at `start` in its file.
  func show(_ manifest: Manifest, at start: UInt64 = 0, size: UInt64) {
    writer.write(version(manifest, start, size))
    for log in manifest.logs { writer.write(item(log)) }
    for segment in manifest.segments {
      writer.write(item(segment))
      guard writer.showsBlocks else { continue }
      for reference in segment.valueReferences { writer.write(.reference(reference)) }
    }
    for file in manifest.valueFiles { writer.write(item(file)) }
  }

  private func version(_ manifest: Manifest, _ start: UInt64, _ size: UInt64) -> DumpItem {
    let header = UInt64(FileHeader.byteCount)
    var item = DumpItem("version", at: start + header, length: size - min(size, header))
    item.add("number", manifest.number)
    item.add("store", manifest.storeID)
    item.add("predecessor", Hexadecimal.text(manifest.predecessorDigest))
    item.add("next file number", manifest.nextFileNumber)
    item.add("last sequence", manifest.lastSequence.rawValue)
    item.add("log floor", manifest.logFloor)
    item.add("cleanly closed", manifest.isCleanlyClosed)
    item.add("time floor", manifest.timeFloor)
    item.add("segments", manifest.segments.count)
    item.add("value files", manifest.valueFiles.count)
    return item
  }

  private func item(_ log: LogExtent) -> DumpItem {
    var item = DumpItem("log", depth: 1)
    item.add("file", "\(FileName(.log, log.number))")
    item.add("length", log.length)
    item.add("last sequence", log.lastSequence.rawValue)
    return item
  }

  private func item(_ segment: SegmentRecord) -> DumpItem {
    var item = DumpItem("segment", depth: 1)
    item.add("file", "\(FileName(.segment, segment.number))")
    item.add("level", segment.level)
    item.add("bytes", segment.size)
    item.add("entries", segment.entryCount)
    item.add("deletes", segment.deleteCount)
    item.add("first sequence", segment.smallestSequence.rawValue)
    item.add("last sequence", segment.largestSequence.rawValue)
    item.add("smallest key", segment.smallestKey)
    item.add("largest key", segment.largestKey)
    item.add("id", segment.id)
    if !segment.digest.isEmpty { item.add("sha256", Hexadecimal.text(segment.digest)) }
    return item
  }

  private func item(_ file: ValueFileRecord) -> DumpItem {
    var item = DumpItem("value file", depth: 1)
    item.add("file", "\(FileName(.values, file.number))")
    item.add("bytes", file.size)
    item.add("values", file.valueCount)
    item.add("value bytes", file.valueBytes)
    item.add("order", file.isOrdered ? "keys" : "any")
    item.add("id", file.id)
    return item
  }
}
