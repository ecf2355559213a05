import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// Whatever happens to a value file, nobody reads a wrong value, and a deep check says where.
@Suite("Damaged value files")
struct ValueFileDamageTests {
  private let path = "store/values-0000000000000007"
  private let values: [[UInt8]]

  init() {
    var random = SeededRandom(seed: 0x5eed_3101)
    values = [random.bytes(37), random.text(600), random.bytes(520), []]
  }

  /// A sealed file on a simulated disk, with raw and compressed values.
  private func makeFile() throws -> (
    disk: SimulatedFileSystem, directory: any Directory, record: ValueFileRecord,
    pointers: [ValuePointer]
  ) {
    let disk = SimulatedFileSystem()
    let directory = try disk.openDirectory(at: "store", create: true)
    let (record, pointers) = try ValueFixture.write(
      values, in: directory, alignmentShift: 6, compression: .lz4)
    #expect(Set(pointers.map(\.codec)) == [.none, .lz4])
    return (disk, directory, record, pointers)
  }

  /// Each value is the right one or an error that says corrupted, and names the file.
  private func expectNoWrongValue(
    _ reader: ValueFileReader, _ pointers: [ValuePointer], _ what: String
  ) -> Int {
    var failures = 0
    for (index, pointer) in pointers.enumerated() {
      do {
        if try reader.bytes(for: pointer) != values[index] { Issue.record("wrong value: \(what)") }
      } catch {
        failures += 1
        if error.code != .corrupted && error.code != .incompatible || error.file == nil {
          Issue.record("\(what): \(error)")
        }
      }
    }
    return failures
  }

  @Test("Every flipped bit is found by a deep check and gives no wrong value")
  func everyBit() throws {
    let (disk, directory, record, pointers) = try makeFile()
    for offset in 0..<Int(record.size) {
      for bit in 0..<8 {
        try disk.flip(mask: 1 << bit, at: offset, of: path)
        let mode: ReadMode = bit % 2 == 0 ? .mapped : .pread
        let reader = ValueFileReader(record, in: ValueFixture.environment(directory, mode))
        // Flags that say "ignore me" may be set by later versions; the checksum covers them, too.
        if try ValueFixture.findings(reader).isEmpty {
          Issue.record("bit \(bit) of byte \(offset) was not found")
        }
        _ = expectNoWrongValue(reader, pointers, "bit \(bit) of byte \(offset)")
        try disk.flip(mask: 1 << bit, at: offset, of: path)
      }
    }
    let reader = ValueFileReader(record, in: ValueFixture.environment(directory))
    #expect(try ValueFixture.findings(reader).isEmpty)
  }

  @Test("A file cut anywhere does not open; read as a leftover it gives what is whole")
  func truncation() throws {
    let (disk, directory, record, pointers) = try makeFile()
    let whole = try readAll("values-0000000000000007", in: directory)
    for count in 0..<whole.count {
      try disk.place(Array(whole.prefix(count)), at: path)
      for mode in ReadMode.allCases {
        let reader = ValueFileReader(record, in: ValueFixture.environment(directory, mode))
        #expect(storeError { try reader.open() }?.code == .corrupted)
        #expect(try !ValueFixture.findings(reader).isEmpty)
      }
      let leftover = ValueFileReader(leftover: 7, in: ValueFixture.environment(directory))
      let failures = expectNoWrongValue(leftover, pointers, "cut to \(count)")
      let missing = pointers.filter { $0.offset + UInt64($0.storedCount) > UInt64(count) }.count
      #expect(failures == (count < 64 ? pointers.count : missing), "cut to \(count)")
    }
  }

  @Test("Bytes behind the end, and an older state of the same file, are refused")
  func excess() throws {
    let (disk, directory, record, _) = try makeFile()
    let whole = try readAll("values-0000000000000007", in: directory)
    try disk.place(whole + [0], at: path)
    let reader = ValueFileReader(record, in: ValueFixture.environment(directory))
    #expect(storeError { try reader.open() }?.code == .corrupted)
    #expect(try !ValueFixture.findings(reader).isEmpty)
  }

  @Test("A file with another identity is not taken for the one the manifest names")
  func identity() throws {
    let (_, directory, record, pointers) = try makeFile()
    try directory.remove("values-0000000000000007")
    let other = try ValueFixture.write(
      values, id: ValueFixture.otherID, in: directory, alignmentShift: 6, compression: .lz4)
    #expect(other.record.size == record.size)
    let reader = ValueFileReader(record, in: ValueFixture.environment(directory))
    #expect(storeError { try reader.open() }?.structure == "file header")
    #expect(try !ValueFixture.findings(reader).isEmpty)
    // Without a manifest to tell, the checksums still do.
    let leftover = ValueFileReader(leftover: 7, in: ValueFixture.environment(directory))
    for pointer in pointers {
      #expect(storeError { _ = try leftover.value(for: pointer) }?.code == .corrupted)
    }
  }

  @Test("Two exchanged records of equal length are found", arguments: ReadMode.allCases)
  func swapped(_ mode: ReadMode) throws {
    let disk = SimulatedFileSystem()
    let directory = try disk.openDirectory(at: "store", create: true)
    var random = SeededRandom(seed: 0x5eed_3102)
    let (record, pointers) = try ValueFixture.write(
      [random.bytes(1000), random.bytes(1000)], in: directory)
    let whole = try readAll("values-0000000000000007", in: directory)
    let (first, second) = (Int(pointers[0].offset) - 32, Int(pointers[1].offset) - 32)
    var exchanged = whole
    exchanged.replaceSubrange(first..<first + 1032, with: whole[second..<second + 1032])
    exchanged.replaceSubrange(second..<second + 1032, with: whole[first..<first + 1032])
    try disk.place(exchanged, at: path)
    let reader = ValueFileReader(record, in: ValueFixture.environment(directory, mode))
    for pointer in pointers {
      #expect(storeError { _ = try reader.value(for: pointer) }?.structure == "value record")
    }
    // Only the bytes of the values, under their own headers.
    exchanged = whole
    exchanged.replaceSubrange(first + 32..<first + 1032, with: whole[second + 32..<second + 1032])
    try disk.place(exchanged, at: path)
    let other = ValueFileReader(record, in: ValueFixture.environment(directory, mode))
    let error = storeError { _ = try other.value(for: pointers[0]) }
    #expect(error?.structure == "value record" && error?.offset == pointers[0].offset)
    #expect(throws: Never.self) { _ = try other.value(for: pointers[1]) }
  }

  @Test("A pointer that is wrong in any field is refused", arguments: ReadMode.allCases)
  func wrongPointers(_ mode: ReadMode) throws {
    let (_, directory, record, pointers) = try makeFile()
    let good = pointers[2]
    #expect(good.codec == .none)
    func expectRefusal(_ reader: ValueFileReader, _ change: (inout ValuePointer) -> Void) {
      var pointer = good
      change(&pointer)
      let error = storeError { _ = try reader.value(for: pointer) }
      #expect(error?.code == .corrupted && error?.offset != nil, "\(pointer)")
    }
    // Fresh, and after the value was found good once.
    for touch in [false, true] {
      let reader = ValueFileReader(
        record, in: ValueFixture.environment(directory, mode, cacheBytes: touch ? 1 << 20 : 0))
      if touch { _ = try reader.value(for: good) }
      expectRefusal(reader) { $0.file = 8 }
      for offset in [0, 8, 64, 88, record.size - 32, record.size, 1 << 40, .max, .max - 7] {
        expectRefusal(reader) { $0.offset = offset }
      }
      for step: UInt64 in [1, 4, 8, 32, 64] { expectRefusal(reader) { $0.offset += step } }
      expectRefusal(reader) { ($0.storedCount, $0.fullCount) = (.max, .max) }
      expectRefusal(reader) { ($0.storedCount, $0.fullCount) = (521, 521) }
      expectRefusal(reader) { ($0.storedCount, $0.fullCount) = (519, 519) }
      expectRefusal(reader) { $0.offset = pointers[1].offset }
      if !touch {
        expectRefusal(reader) { $0.checksum ^= 1 }
        expectRefusal(reader) { $0.codec = .lz4 }
      }
    }
  }

  @Test("A mapped value is checked at the first touch and its header at each")
  func firstTouch() throws {
    // The mapping must change under the reader, so it is an array.
    var random = SeededRandom(seed: 0x5eed_3103)
    let disk = SimulatedFileSystem()
    let directory = try disk.openDirectory(at: "store", create: true)
    let (record, pointers) = try ValueFixture.write(
      [random.bytes(600), random.bytes(100)], in: directory)
    let bytes = try readAll("values-0000000000000007", in: directory)
    let buffer = AlignedBuffer(capacity: bytes.count)
    bytes.withByteView { buffer.copy($0) }
    let file = OpenValueFile(
      "values-0000000000000007", number: 7, id: record.id,
      .mapping(MappedFile(name: "", bytes: buffer.view()) {}), .fixed(record.size - 32),
      ValueFixture.environment(directory).blocks)
    for pointer in pointers { _ = try file.value(for: pointer) }
    for pointer in pointers {
      [0xff as UInt8].withByteView { buffer.copy($0, to: Int(pointer.offset)) }
    }
    #expect(throws: Never.self) { _ = try file.value(for: pointers[0]) }
    #expect(throws: StoreError.self) { _ = try file.value(for: pointers[1]) }
    [0xff as UInt8].withByteView { buffer.copy($0, to: Int(pointers[0].offset) - 20) }
    #expect(throws: StoreError.self) { _ = try file.value(for: pointers[0]) }
    withExtendedLifetime(buffer) {}
  }

  @Test("Random bytes behind a header are read without a trap")
  func noise() throws {
    let (disk, directory, record, pointers) = try makeFile()
    let whole = try readAll("values-0000000000000007", in: directory)
    var random = SeededRandom(seed: 0x5eed_3104)
    for _ in 0..<300 {
      var bytes = Array(whole.prefix(64))
      bytes += random.bytes(random.below(2000))
      try disk.place(bytes, at: path)
      let reader = ValueFileReader(leftover: 7, in: ValueFixture.environment(directory))
      var scanner = try reader.records()
      while try scanner.next() != nil {}
      #expect(!scanner.isWhole, "seed \(random.seed)")
      _ = expectNoWrongValue(reader, pointers, "seed \(random.seed)")
    }
    #expect(record.valueCount == 4)
  }
}
