import VarveFormat

/// Dumps the bytes of one file of whatever kind.
struct FileDump {
  let writer: DumpWriter

  /// What the file is: by its magic, or by its name where the magic is damaged.
  static func recognise(_ bytes: ByteView, name: String) -> FileName.Kind? {
    FileName.Kind.recognise(bytes) ?? FileName(parsing: name)?.kind
  }

  func run(_ bytes: ByteView, name: String) throws {
    if let object = BucketDump(writer, bytes, name) {
      object.run()
      return try writer.check()
    }
    guard let kind = Self.recognise(bytes, name: name) else {
      throw CommandFailure(
        "\(name) is no file of a store or bucket: neither its first bytes nor its name say what"
          + " it is")
    }
    writer.begin(name, size: UInt64(bytes.count), kind: Self.title(of: kind))
    if let named = FileName(parsing: name), named.kind != kind {
      writer.damage(FormatError(.fileHeader, .magic, at: 0))
    }
    switch kind {
    case .log: LogDump(writer: writer).run(bytes)
    case .segment: SegmentDump.run(bytes, writer)
    case .values: ValueFileDump(writer: writer).run(bytes)
    case .manifest: ManifestDump(writer: writer).run(bytes)
    }
    try writer.check()
  }

  static func title(of kind: FileName.Kind) -> String {
    switch kind {
    case .log: "log"
    case .segment: "segment"
    case .values: "value file"
    case .manifest: "manifest"
    }
  }
}

extension DumpItem {
  static func header(_ header: FileHeader) -> DumpItem {
    var item = DumpItem("file header", at: 0, length: UInt64(FileHeader.byteCount))
    item.add("kind", FileDump.title(of: header.kind))
    item.add("version", FileHeader.currentVersion)
    switch header.kind {
    case .log:
      item.add("number", header.number)
      item.add("salt", hex: header.identity.low, digits: 16)
      item.add("store tag", hex: header.storeTag, digits: 16)
    case .manifest:
      item.add("number", header.number)
      item.add("store tag", hex: header.storeTag, digits: 16)
    case .segment, .values: item.add("id", header.identity)
    }
    return item
  }
}

extension DumpWriter {
  /// Writes the header; where it is damaged, that, and what its bytes say all the same.
  func header(of bytes: ByteView, as kind: FileName.Kind) -> FileHeader? {
    do throws(FormatError) {
      let header = try FileHeader(decoding: bytes, as: kind)
      write(.header(header))
      return header
    } catch {
      damage(error)
      guard let number = bytes.uint64(at: 24), let low = bytes.uint64(at: 32),
        let high = bytes.uint64(at: 40), let tag = bytes.uint64(at: 48)
      else { return nil }
      return FileHeader(
        kind, number: number, identity: FileID(low: low, high: high), storeTag: tag)
    }
  }
}
