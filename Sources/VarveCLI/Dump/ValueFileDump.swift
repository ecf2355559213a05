import VarveFormat

/// Dumps a value file: record after record, to the end record or to where there is no way on.
///
/// A damaged value does not hide the next one; a damaged header does, since only its lengths lead
/// on. A file that is still being written, or was when the machine stopped, ends without an end
/// record: that is said, and is not damage.
struct ValueFileDump {
  let writer: DumpWriter

  func run(_ bytes: ByteView) {
    guard let header = writer.header(of: bytes, as: .values) else { return }
    var walk = ValueFileWalk(id: header.identity, size: UInt64(bytes.count))
    do throws(FormatError) {
      while !walk.isAtEnd {
        let window = bytes.dropping(Int(walk.position)).prefix(walk.windowCount)
        guard !window.isAllZero else { break }
        show(try walk.next(window), bytes, header.identity)
      }
    } catch {
      writer.damage(error)
    }
    if !walk.isSealed { showUnsealed(walk) }
    showSum(walk.counts)
  }
}

// MARK: - Items

extension ValueFileDump {
  private func show(_ step: ValueFileWalk.Step, _ bytes: ByteView, _ id: FileID) {
    switch step.record {
    case .value(let value):
      if writer.showsBlocks { writer.write(item(value, step)) }
      check(value, at: step.value, bytes, id)
    case .gap(let count):
      var item = DumpItem(
        "gap", at: step.header, length: UInt64(ValueRecord.headerBytes) + count)
      item.add("state", "left by a write that failed")
      writer.write(item)
    case .end(let counts):
      var item = DumpItem("end", at: step.header, length: UInt64(ValueRecord.headerBytes))
      item.add("values", counts.values)
      item.add("stored bytes", counts.bytes)
      writer.write(item)
    }
  }

  private func item(_ value: StoredValueHeader, _ step: ValueFileWalk.Step) -> DumpItem {
    var item = DumpItem(
      "value", at: step.header, length: UInt64(ValueRecord.headerBytes) + UInt64(value.storedCount))
    item.add("value at", step.value)
    item.add("stored", value.storedCount)
    item.add("full", value.fullCount)
    item.add("codec", "\(value.codec)")
    item.add("alignment", UInt64(1) << UInt64(value.alignmentShift))
    item.add("checksum", hex: UInt64(value.checksum), digits: 8)
    return item
  }

  private func check(
    _ value: StoredValueHeader, at offset: UInt64, _ bytes: ByteView, _ id: FileID
  ) {
    // The walk made sure that the value lies in the file.
    let stored = bytes.dropping(Int(offset)).prefix(Int(value.storedCount))
    let computed = CRC32C.checksum(of: stored, in: id, at: offset)
    guard computed != value.checksum else { return }
    writer.damage(
      FormatError(
        .valueRecord, .checksum(stored: value.checksum, computed: computed), at: offset))
  }

  private func showUnsealed(_ walk: ValueFileWalk) {
    var item = DumpItem("end", at: walk.position, length: walk.size - min(walk.size, walk.position))
    item.add("state", "no end record: the file was never sealed, or it is cut")
    writer.write(item)
  }

  private func showSum(_ counts: ValueFileCounts) {
    var item = DumpItem("sum")
    item.add("values", counts.values)
    item.add("stored bytes", counts.bytes)
    writer.write(item)
  }
}
