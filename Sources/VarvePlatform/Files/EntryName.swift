/// Checks that `name` names an entry of a directory and nothing outside it.
///
/// Both file systems ask this first, so that no name, wherever it came from, can leave the store.
package func checkEntryName(
  _ name: String, for operation: FileSystemError.Operation
) throws(FileSystemError) {
  let isComponent =
    !name.isEmpty && name != "." && name != ".." && name.utf8.count <= 255
    && name.utf8.allSatisfy { $0 != UInt8(ascii: "/") && $0 != 0 }
  guard isComponent else { throw FileSystemError(operation, .wrongKind, path: name) }
}
