import VarveFormat
import VarveObjects

// What is small enough to be read without a checksum, or has one of its own.

extension FuzzTarget {
  /// The first bytes of a file, as each kind.
  static let header = FuzzTarget(
    "header", upTo: 128,
    sign: { $0.signHeader($0.bytes.withByteView(FileName.Kind.recognise) ?? .log) },
    read: { bytes in
      for kind in FileName.Kind.allCases {
        let header = accepted(bytes) { () throws(FormatError) in
          try FileHeader(decoding: bytes, as: kind)
        }
        guard let header else { continue }
        promise(kind == FileName.Kind.recognise(bytes), "a header without its magic")
        promise(header.encoded() == bytes.prefix(64).array, "a header is not what would be written")
      }
    })

  /// Names of files, objects and keyspaces, the records of keyspaces, and pointers to values.
  static let names = FuzzTarget("names", upTo: 300) { bytes in
    let text = String(decoding: bytes.array, as: UTF8.self)
    if let name = FileName(parsing: text) {
      promise(name.description == text, "\(name) was read from another name")
      promise(name.number <= Limits.fileNumber, "\(name) has too large a number")
    }
    if let name = ObjectName(text) { readObjectName(name) }
    readSystemEntries(bytes)
    let pointer = accepted(bytes) { () throws(FormatError) in try ValuePointer(decoding: bytes) }
    if let pointer { promise(pointer.encoded() == bytes.array, "a pointer is not as written") }
  }

  private static func readObjectName(_ name: ObjectName) {
    if let number = BucketLayout.manifestNumber(name) {
      promise(BucketLayout.manifest(number) == name, "\(name) is another manifest's")
    }
    if let number = BucketLayout.logNumber(name) {
      promise(BucketLayout.log(number) == name, "\(name) is another log's")
    }
    if let number = BucketLayout.fileNumber(name, through: .max) {
      promise(1..<Limits.fileNumber ~= number, "\(name) has a number that no file can have")
    }
    let pin = BucketLayout.pin(name.description)
    promise(pin.map { $0.description == "pin/\(name)" } ?? true, "another pin than \(name)")
  }

  private static func readSystemEntries(_ bytes: ByteView) {
    let name = accepted(bytes) { () throws(FormatError) in try SystemKeyspace.name(inKey: bytes) }
    if let name {
      promise(SystemKeyspace.isValid(name: name), "a keyspace with a name that none can have")
      promise(SystemKeyspace.recordKey(name) == bytes.array, "a name is not as written")
    }
    let record = accepted(bytes) { () throws(FormatError) in
      try KeyspaceRecord(decoding: bytes)
    }
    if let record { promise(record.encoded() == bytes.array, "a record is not as written") }
    let next = accepted(bytes) { () throws(FormatError) in
      try SystemKeyspace.decodeNextNumber(bytes)
    }
    if let next { promise(SystemKeyspace.encodeNextNumber(next) == bytes.array, "a number") }
  }
}
