import VarveFormat
import VarvePlatform

/// Finds the reader of each value file, for any number of threads without a lock.
///
/// ```
///   value(for: pointer) --> published table: file number -> reader --> value
///   add, replace, forget --> a new table is published, the old one goes when no reader is inside
/// ```
///
/// Files change seldom and are read all the time, so the table is copied at each change.
///
/// A value lent in place holds as long as its file's reader does: until `forget` or `reopen`, and then until
/// the caller leaves the epoch in which it asked. Whoever keeps values longer keeps the reader.
final class ValueStore: Sendable {
  private let environment: ValueEnvironment
  private let table: Published<ValueFileTable>
  /// Taken by those who change the table.
  private let changing = Monitor<Void>(())

  init(_ environment: ValueEnvironment, epochs: ReadEpochs) {
    self.environment = environment
    table = Published(ValueFileTable(readers: []), in: epochs)
  }

  /// The value that `pointer` points to.
  func value(for pointer: ValuePointer) throws(StoreError) -> LentValue {
    try table.read { table throws(StoreError) in
      try unsafe table.reader(for: pointer.file, at: pointer.offset)
        .lend { reader throws(StoreError) in try reader.value(for: pointer) }
    }
  }

  /// The same for one who keeps it: what is lent holds as long as `kept`, which becomes the file's reader.
  ///
  /// - Parameter inPassing: of a cold file nothing is kept in memory beside its slots.
  func value(
    for pointer: ValuePointer, inPassing: Bool, keeping kept: inout ValueFileReader?
  ) throws(StoreError) -> LentValue {
    try table.read { table throws(StoreError) in
      try unsafe table.reader(for: pointer.file, at: pointer.offset)
        .lend { reader throws(StoreError) in
          if kept !== reader { kept = reader }
          return inPassing
            ? try reader.valueInPassing(for: pointer) : try reader.value(for: pointer)
        }
    }
  }

  /// Says that bytes of a file are read soon: advice, which costs nothing where it cannot be followed.
  func expect(_ range: Range<UInt64>, of file: UInt64) {
    reader(for: file)?.expect(range)
  }

  /// Says that a walk begins with bytes of a file.
  func expectFirst(_ range: Range<UInt64>, of file: UInt64) {
    reader(for: file)?.expectFirst(range)
  }

  /// The value in its stored form, copied and checked: for moving it to another file.
  ///
  /// - Parameter claims: of the walk that the pointer was met on.
  func storedCopy(
    of pointer: ValuePointer, claiming claims: inout ValueClaims
  ) throws(StoreError) -> LentValue {
    try table.read { table throws(StoreError) in
      try unsafe table.reader(for: pointer.file, at: pointer.offset)
        .lend { reader throws(StoreError) in
          try reader.storedCopy(of: pointer, claiming: &claims)
        }
    }
  }

  /// The reader of a file; nil where it is not known.
  func reader(for number: UInt64) -> ValueFileReader? {
    table.read { table in unsafe table.find(number)?.takeUnretainedValue() }
  }

  var numbers: [UInt64] { table.read { $0.readers.map(\.number) } }

  /// Bytes of memory, other than mappings, that all readers hold.
  var memoryBytes: Int { table.read { $0.readers.reduce(0) { $0 + $1.memoryBytes } } }
}

// MARK: - Changing

extension ValueStore {
  /// Makes sealed files known, in place of what was known by their numbers: those of a manifest, or
  /// one that was just sealed.
  ///
  /// A reader that reads this very file already stays: what it lent holds as long as it does.
  func add(_ records: [ValueFileRecord]) {
    let known = table.current
    insert(
      records.filter { record in
        unsafe known.find(record.number)?.takeUnretainedValue().reads(record) != true
      }
      .map { ValueFileReader($0, in: environment) })
  }

  /// Reads sealed files from where they are now, as far as they are known. What was lent holds until its reader
  /// leaves the epoch, or as long as it keeps the file's reader.
  func reopen(_ records: [ValueFileRecord]) {
    let readers = Dictionary(
      records.map { ($0.number, ValueFileReader($0, in: environment)) }
    ) { first, _ in first }
    change { before in before.map { readers[$0.number] ?? $0 } }
  }

  /// Makes the values of a file that is being written readable.
  func add(growing writer: ValueFileWriter) {
    insert([ValueFileReader(growing: writer, in: environment)])
  }

  /// Makes files known that a crash left growing.
  func add(leftovers numbers: [UInt64]) {
    guard !numbers.isEmpty else { return }
    insert(numbers.map { ValueFileReader(leftover: $0, in: environment) })
  }

  /// Forgets files that no version needs any more, and their cached values.
  func forget(_ numbers: [UInt64]) {
    let numbers = Set(numbers)
    change { $0.filter { !numbers.contains($0.number) } }
    environment.blocks.cache.forget(files: numbers)
  }

  private func insert(_ added: [ValueFileReader]) {
    change { before in
      let numbers = Set(added.map(\.number))
      return before.filter { !numbers.contains($0.number) } + added
    }
  }

  private func change(_ body: ([ValueFileReader]) -> [ValueFileReader]) {
    changing.withLock { _ in
      let readers = body(table.current.readers)
      table.replace(with: ValueFileTable(readers: readers.sorted { $0.number < $1.number }))
    }
  }
}

/// All value files of one moment, by ascending number.
///
/// Readers are found without counting a reference to them: each value that is read asks here.
@safe
private final class ValueFileTable: @unchecked Sendable {
  // @unchecked: nothing is written after the initialiser.
  let readers: [ValueFileReader]
  private let places: UnsafeMutableBufferPointer<Place>

  @safe
  private struct Place {
    let number: UInt64
    let reader: Unmanaged<ValueFileReader>
  }

  init(readers: [ValueFileReader]) {
    self.readers = readers
    unsafe places = .allocate(capacity: readers.count)
    for (index, reader) in readers.enumerated() {
      unsafe places.initializeElement(
        at: index, to: Place(number: reader.number, reader: .passUnretained(reader)))
    }
  }

  deinit { unsafe places.deallocate() }

  /// The reader of a file, which lives as long as this table.
  func find(_ number: UInt64) -> Unmanaged<ValueFileReader>? {
    var low = 0
    var high = unsafe places.count
    while low < high {
      let middle = (low &+ high) / 2
      if unsafe places[middle].number < number { low = middle &+ 1 } else { high = middle }
    }
    guard unsafe low < places.count, unsafe places[low].number == number else { return nil }
    return unsafe places[low].reader
  }

  @inline(__always)
  func reader(
    for number: UInt64, at offset: UInt64
  ) throws(StoreError) -> Unmanaged<ValueFileReader> {
    if let reader = unsafe find(number) { return unsafe reader }
    throw StoreError(
      .corrupted, "a pointer names a value file that the store does not have",
      file: "\(FileName(.values, number))", structure: FormatError.Structure.valuePointer.rawValue,
      offset: offset)
  }
}
