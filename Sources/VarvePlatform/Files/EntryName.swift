/// Checks that `name` names an entry of a directory and nothing outside it.
///
/// Both file systems ask this first, so that no name, wherever it came from, can leave the store.
package func checkEntryName(
  _ name: String, for operation: FileSystemError.Operation
) throws(FileSystemError) {
  let isComponent =
    !name.isEmpty && name != "." && name != ".." && name.utf8.count <= 255
    && isOneComponent(name.utf8.span)
  guard isComponent else { throw FileSystemError(operation, .wrongKind, path: name) }
}

private func isOneComponent(_ name: Span<UInt8>) -> Bool {
  for place in name.indices where name[place] == UInt8(ascii: "/") || name[place] == 0 {
    return false
  }
  return true
}
