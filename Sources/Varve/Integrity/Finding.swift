import VarveFormat

/// One thing that a check of stored files found to be wrong.
struct Finding: Equatable, Sendable {
  /// The file's name within the store.
  let file: String
  /// The structure of the format specification.
  let structure: String
  /// Bytes from the start of the file.
  let offset: UInt64
  /// What is wrong, for a person. Never holds keys or values.
  let message: String

  init(file: String, structure: FormatError.Structure, offset: UInt64, message: String) {
    self.file = file
    self.structure = structure.rawValue
    self.offset = offset
    self.message = message
  }

  init(_ error: FormatError, in file: String) {
    self.init(
      file: file, structure: error.structure, offset: error.offset, message: "\(error.fault)")
  }
}

extension Finding: CustomStringConvertible {
  var description: String { "\(file): \(structure) at offset \(offset): \(message)" }
}
