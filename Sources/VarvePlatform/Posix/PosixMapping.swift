import CVarveShims
import Synchronization
import VarveFormat

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How many files this process has mapped.
private let mappedFiles = Atomic<Int>(0)

/// How many it may have. Linux allows a process 65,530 mappings; those that files leave are for its
/// memory, whose end would be its own.
private let mostMappedFiles = 32_768

extension PosixDirectory {
  func map(_ name: String, size: UInt64) throws(FileSystemError) -> MappedFile {
    let file = try openRegular(.map, name, flags: O_RDONLY)
    try checkSize(of: file, name, is: size)
    guard size > 0 else { return MappedFile(name: name, bytes: .empty) {} }
    guard let count = Int(exactly: size) else {
      throw FileSystemError(.map, .other, path: name, number: EFBIG)
    }
    guard mappedFiles.add(1, ordering: .relaxed).newValue <= mostMappedFiles else {
      mappedFiles.subtract(1, ordering: .relaxed)
      throw FileSystemError(.map, .tooManyOpen, path: name)
    }
    let bytes: ByteView
    do throws(FileSystemError) {
      bytes = try file.use(.map, name) { descriptor throws(FileSystemError) in
        try Self.map(descriptor, name, count)
      }
    } catch {
      mappedFiles.subtract(1, ordering: .relaxed)
      throw error
    }
    let mapped = MappedFile(
      name: name, bytes: bytes, advise: { Self.advise($0, bytes) },
      release: { Self.unmap(bytes) })
    // A file cut short in between would end the process at the first touch.
    try checkSize(of: file, name, is: size)
    return mapped
  }

  private func checkSize(
    of file: Descriptor, _ name: String, is expected: UInt64
  ) throws(FileSystemError) {
    let found = try file.status(.map, name).size
    guard found == expected else {
      throw FileSystemError(.map, .size(expected: expected, found: found), path: name)
    }
  }

  private static func map(
    _ descriptor: Int32, _ name: String, _ count: Int
  ) throws(FileSystemError) -> ByteView {
    let start = unsafe mmap(nil, count, PROT_READ, MAP_SHARED, descriptor, 0)
    guard let start = unsafe start, unsafe start != MAP_FAILED else {
      throw FileSystemError(.map, number: errno, path: name)
    }
    return unsafe ByteView(unsafeStart: start, count: count)
  }

  private static func advise(_ expectation: MappedFile.Expectation, _ bytes: ByteView) {
    switch expectation {
    case .scattered: unsafe varve_advise_scattered(bytes.start, bytes.count)
    case .soon(let range):
      // Within the mapping: `MappedFile` has seen to that.
      let part = Int(range.lowerBound)..<Int(range.upperBound)
      unsafe varve_advise_soon(bytes.start + part.lowerBound, part.count)
    }
  }

  private static func unmap(_ bytes: ByteView) {
    // Only fails for addresses that are not a mapping; these came from `mmap`.
    let result = unsafe munmap(UnsafeMutableRawPointer(mutating: bytes.start), bytes.count)
    precondition(result == 0, "munmap refused a mapping of ours")
    mappedFiles.subtract(1, ordering: .relaxed)
  }
}
