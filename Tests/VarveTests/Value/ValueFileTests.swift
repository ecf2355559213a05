import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

@Suite("Value files")
struct ValueFileTests {
  private static let policies: [Compression] = [.none, .lz4, .zstd(level: 3), .automatic]

  @Test(
    "Values come back in both modes, while growing, once sealed and as left by a crash",
    arguments: FileSystemKind.allCases, policies)
  func roundTrip(on kind: FileSystemKind, _ policy: Compression) throws {
    try kind.withDirectory { directory, _, _ in
      var random = SeededRandom(seed: 0x5eed_3001)
      let writer = try ValueFileWriter(number: 9, id: ValueFixture.id, in: directory)
      var expected: [(ValuePointer, [UInt8])] = []
      for count in [0, 1, 7, 8, 100, 511, 512, 1024, 3000, 16_384, 16_385, 70_000, 700_000] {
        for value in [random.text(count), random.bytes(count)] {
          let shift = UInt8(3 + random.below(10))
          let pointer = try writer.append(value, alignmentShift: shift, compression: policy)
          #expect(pointer.codec != .none || pointer.offset % (1 << UInt64(shift)) == 0)
          expected.append((pointer, value))
        }
      }
      let growing = ValueFileReader(
        growing: writer, in: ValueFixture.environment(directory, cacheBytes: 1 << 20))
      let leftover = ValueFileReader(leftover: 9, in: ValueFixture.environment(directory))
      for (pointer, value) in expected {
        #expect(try growing.bytes(for: pointer) == value)
        #expect(try leftover.bytes(for: pointer) == value)
      }
      let record = try writer.seal()
      #expect(record.valueCount == UInt64(expected.count))
      #expect(record.valueBytes == expected.reduce(0) { $0 + UInt64($1.0.storedCount) })
      for mode in ReadMode.allCases {
        let reader = ValueFileReader(record, in: ValueFixture.environment(directory, mode))
        for _ in 0..<2 {
          for (pointer, value) in expected {
            #expect(try reader.bytes(for: pointer) == value)
          }
        }
        #expect(try ValueFixture.findings(reader).isEmpty)
      }
    }
  }

  @Test("Raw values lie in memory as they were aligned in the file", arguments: ReadMode.allCases)
  func alignment(_ mode: ReadMode) throws {
    try FileSystemKind.posix.withDirectory { directory, _, _ in
      var random = SeededRandom(seed: 0x5eed_3002)
      let values = (0..<40).map { _ in random.bytes(1000 + random.below(3000)) }
      let (record, pointers) = try ValueFixture.write(
        values, in: directory, alignmentShift: 6, compression: .automatic)
      let reader = ValueFileReader(record, in: ValueFixture.environment(directory, mode))
      for pointer in pointers {
        let value = try reader.value(for: pointer)
        #expect(unsafe UInt(bitPattern: value.bytes.start) % 64 == 0)
        #expect(mode == .pread || value.owner == nil)
        withExtendedLifetime(value.owner) {}
      }
    }
  }

  @Test("Threads append at once while others read", arguments: FileSystemKind.allCases)
  func concurrency(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      let writer = try ValueFileWriter(number: 9, id: ValueFixture.id, in: directory)
      let reader = ValueFileReader(
        growing: writer, in: ValueFixture.environment(directory, cacheBytes: 1 << 20))
      let written = Monitor<[(ValuePointer, [UInt8])]>([])
      let workers = try (0..<4).map { index in
        try WorkerThread(name: "writer \(index)") {
          var random = SeededRandom(seed: 0x5eed_3003 + UInt64(index))
          for round in 0..<120 {
            let count = random.below(round % 10 == 0 ? 40_000 : 3000)
            let value = round % 2 == 0 ? random.text(count) : random.bytes(count)
            let policies: [Compression] = [.none, .automatic]
            guard
              let pointer = try? writer.append(
                value, alignmentShift: UInt8(3 + random.below(5)),
                compression: policies[random.below(2)], stream: UInt32(round % 2)),
              (try? reader.bytes(for: pointer)) == value
            else {
              Issue.record("round \(round) of seed \(random.seed)")
              continue
            }
            written.withLock { $0.append((pointer, value)) }
            if round % 40 == 0 { try? writer.sync() }
          }
        }
      }
      for worker in workers { worker.join() }
      #expect(writer.pendingWrites == 0)
      let record = try writer.seal()
      let all = written.withLock { $0 }
      #expect(record.valueCount == 480 && all.count == 480)
      for mode in ReadMode.allCases {
        let sealed = ValueFileReader(record, in: ValueFixture.environment(directory, mode))
        for (pointer, value) in all where try sealed.bytes(for: pointer) != value {
          Issue.record("value at \(pointer.offset) differs")
        }
        #expect(try ValueFixture.findings(sealed).isEmpty)
      }
    }
  }

  @Test(
    "A sealed file has the size of its record and refuses more", arguments: FileSystemKind.allCases)
  func sealing(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      let writer = try ValueFileWriter(number: 9, id: ValueFixture.id, in: directory)
      _ = try writer.append([UInt8](repeating: 1, count: 1001))
      let record = try writer.seal()
      #expect(record.size == 64 + 32 + 1001 + 7 + 32)
      #expect(try directory.status(of: "values-0000000000000009")?.size == record.size)
      #expect(storeError { _ = try writer.append([1]) }?.code == .closed)
      #expect(storeError { _ = try writer.seal() }?.code == .closed)
      let empty = try ValueFileWriter(number: 10, id: ValueFixture.id, in: directory)
      let emptyRecord = try empty.seal()
      #expect(emptyRecord.size == 96 && emptyRecord.valueCount == 0)
      let reader = ValueFileReader(emptyRecord, in: ValueFixture.environment(directory))
      #expect(try ValueFixture.findings(reader).isEmpty)
      let abandoned = try ValueFileWriter(number: 11, id: ValueFixture.id, in: directory)
      try abandoned.abandon()
      #expect(
        try directory.names().sorted() == [9, 10 as UInt64].map { "\(FileName(.values, $0))" })
    }
  }

  @Test("A stored value moves to another file without its codec")
  func moving() throws {
    try FileSystemKind.simulated.withDirectory { directory, _, _ in
      var random = SeededRandom(seed: 0x5eed_3004)
      let values = [random.text(9000), random.bytes(2000), random.text(100)]
      let (record, pointers) = try ValueFixture.write(
        values, in: directory, compression: .zstd(level: 3))
      for mode in ReadMode.allCases {
        let reader = ValueFileReader(record, in: ValueFixture.environment(directory, mode))
        let number = UInt64(20 + (mode == .mapped ? 1 : 0))
        let writer = try ValueFileWriter(number: number, id: ValueFixture.otherID, in: directory)
        let moved = try pointers.map { pointer in
          var claims = ValueClaims()
          let stored = try reader.storedCopy(of: pointer, claiming: &claims)
          defer { withExtendedLifetime(stored.owner) {} }
          return try writer.append(stored: stored.bytes, of: pointer, alignmentShift: 6)
        }
        let target = ValueFileReader(
          try writer.seal(), in: ValueFixture.environment(directory, mode))
        for (index, pointer) in moved.enumerated() {
          #expect(pointer.codec == pointers[index].codec)
          #expect(pointer.storedCount == pointers[index].storedCount)
          #expect(try target.bytes(for: pointer) == values[index])
        }
      }
    }
  }

  @Test("The store finds each file's reader, also while files come and go")
  func store() throws {
    try FileSystemKind.simulated.withDirectory { directory, _, _ in
      let epochs = ReadEpochs()
      let store = ValueStore(
        ValueFixture.environment(directory, .mapped, cacheBytes: 1 << 20), epochs: epochs)
      let (record, pointers) = try ValueFixture.write(
        [[UInt8](repeating: 3, count: 2000)], number: 3, in: directory)
      store.add([record])
      let writer = try ValueFileWriter(number: 5, id: ValueFixture.otherID, in: directory)
      store.add(growing: writer)
      let second = try writer.append([UInt8](repeating: 5, count: 3000))
      #expect(try store.bytes(for: pointers[0]) == [UInt8](repeating: 3, count: 2000))
      #expect(try store.bytes(for: second) == [UInt8](repeating: 5, count: 3000))
      store.add([try writer.seal()])
      #expect(store.numbers == [3, 5])
      #expect(try store.bytes(for: second) == [UInt8](repeating: 5, count: 3000))
      store.forget([3])
      #expect(storeError { _ = try store.bytes(for: pointers[0]) }?.code == .corrupted)
      #expect(store.reader(for: 3) == nil && store.reader(for: 5) != nil)
      #expect(epochs.collect() == 0)
    }
  }

  /// To compare each with each took minutes.
  @Test("The store takes in very many files, knows them again, and forgets them")
  func manyFiles() throws {
    try FileSystemKind.simulated.withDirectory { directory, _, _ in
      let store = ValueStore(ValueFixture.environment(directory), epochs: ReadEpochs())
      var records = (1...60_000 as ClosedRange<UInt64>).map { number in
        ValueFileRecord(
          number: number, id: ValueFixture.id, size: 4096, valueCount: 1, valueBytes: 8)
      }
      store.add(records)
      let before = [1, 2, 3].map { store.reader(for: $0) }
      records[1].id = ValueFixture.otherID
      store.add(records)
      let after = [1, 2, 3].map { store.reader(for: $0) }
      #expect(before[0] === after[0] && before[1] !== after[1] && before[2] === after[2])
      store.forget(records.map(\.number).filter { $0 % 2 == 0 })
      #expect(store.numbers.count == 30_000)
    }
  }

  @Test("Threads read through the store while files are added and forgotten")
  func storeThreads() throws {
    try FileSystemKind.posix.withDirectory { directory, _, _ in
      let epochs = ReadEpochs()
      let store = ValueStore(ValueFixture.environment(directory, .mapped), epochs: epochs)
      var random = SeededRandom(seed: 0x5eed_3005)
      let values = (0..<50).map { _ in random.bytes(1000 + random.below(500)) }
      let (record, pointers) = try ValueFixture.write(values, number: 50, in: directory)
      store.add([record])
      let others = try (0..<20).map { number in
        try ValueFixture.write(values, number: 100 + UInt64(number), in: directory).record
      }
      let workers = try (0..<2).map { index in
        try WorkerThread(name: "reader \(index)") {
          for round in 0..<4000 where (try? store.bytes(for: pointers[round % 50])) == nil {
            Issue.record("no value in round \(round)")
          }
        }
      }
      for round in 0..<200 {
        store.add([others[round % 20]])
        store.forget([others[(round + 7) % 20].number])
        epochs.collect()
      }
      for worker in workers { worker.join() }
      #expect(epochs.collect() == 0)
    }
  }
}
