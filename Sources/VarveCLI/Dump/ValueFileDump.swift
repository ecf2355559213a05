import VarveFormat

/// Dumps a value file.
struct ValueFileDump {
  let writer: DumpWriter

  func run(_ bytes: ByteView) {
    _ = writer.header(of: bytes, as: .values)
  }
}
