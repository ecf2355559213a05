import VarveFormat
import VarvePlatform

@testable import Varve

extension FuzzTarget {
  /// A value file: all its records in order, and each value through a pointer, in both ways.
  static let values = FuzzTarget("values", upTo: 16 << 10, sign: { $0.signValueFile() }) { bytes in
    let file = MemoryFile(bytes, name: "values-0000000000000007")
    defer { withExtendedLifetime(file) {} }
    do throws(StoreError) {
      var exam = try ValueFileExam(file, bytes)
      try exam.run()
    } catch {
      promise(error.code == .corrupted || error.code == .incompatible, "\(error)")
      promise(error.offset ?? .max <= UInt64(bytes.count), "\(error)")
    }
  }
}

struct ValueFileExam {
  private let pieces: FilePieces
  private let bytes: ByteView
  private let ways: [OpenValueFile]
  private var scanner: ValueFileScanner

  init(_ file: MemoryFile, _ bytes: ByteView) throws(StoreError) {
    self.bytes = bytes
    pieces = FilePieces(file: file, size: UInt64(bytes.count))
    scanner = try ValueFileScanner(pieces, checkingWith: Decompressor())
    let access = BlockAccess(decompressor: Decompressor(), cache: BlockCache(budget: 0))
    let sources: [OpenValueFile.Source] = [.mapping(file.mapped), .file(file)]
    ways = [sources[0], sources[1]].map { [id = scanner.id] source in
      OpenValueFile(
        file.name, number: 7, id: id, source, .fixed(UInt64(bytes.count)), access)
    }
  }

  mutating func run() throws(StoreError) {
    var counts = ValueFileCounts()
    while let item = try scanner.next() {
      switch item {
      case .value(let offset, let header, let damage):
        counts.add(header.storedCount)
        if let damage { checkRefusal(damage, of: 0..<UInt64(bytes.count)) }
        read(header, at: offset, isSound: damage == nil)
      case .gap: continue
      case .end(_, let found): promise(found == counts, "a value file miscounts its values")
      case .unreadable(let error): checkRefusal(error, of: 0..<UInt64(bytes.count))
      }
    }
  }

  /// What the scan found good is found good through a pointer too, and only that.
  private func read(_ header: StoredValueHeader, at offset: UInt64, isSound: Bool) {
    let pointer = ValuePointer(
      file: 7, offset: offset, storedCount: header.storedCount, fullCount: header.fullCount,
      checksum: header.checksum, codec: header.codec)
    let found = ways.map { way in
      let value = try? way.value(for: pointer)
      defer { withExtendedLifetime(value?.owner) {} }
      return value?.bytes.array
    }
    promise(found[0] == found[1], "a mapped value is another one")
    promise((found[0] != nil) == isSound, "a value at \(offset) is refused by one check only")
    promise(found[0] == nil || found[0]?.count == Int(header.fullCount), "another length")
    var other = pointer
    other.checksum ^= 1
    for way in ways { promise((try? way.value(for: other)) == nil, "a wrong pointer is believed") }
  }
}
