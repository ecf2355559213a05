import VarveFormat
import VarvePlatform

/// One run of a ``StoreVerifier``: the findings so far and what was looked at.
///
/// A class, for those who are told in the midst of a file to take note at once.
final class StoreVerification {
  let directory: TieredDirectory
  /// Whether files are looked at that lie only in the bucket.
  let readsCold: Bool
  let depth: IntegrityDepth
  /// Segments are read block by block: what the disk holds, and an I/O error is a finding.
  let environment: SegmentEnvironment
  /// Pointers of a segment that are examined together.
  var mostPointers = 65_536
  /// Bytes of logs that are read: they are judged together, and what goes beyond is mapped.
  var mostLogBytes = FileContents.readLimit
  var report = IntegrityReport()
  /// Not yet handed to the caller.
  private var pending: [IntegrityFinding] = []
  private var limit = FindingLimit()
  /// Damaged records of value files that were told of: a record is met by its pointer and again with
  /// its file. Those beyond the limit of findings are not among them, and may be counted again.
  private(set) var damagedRecords: Set<RecordPlace> = []
  /// By values of logged entries.
  var claims = ValueClaims()
  /// Live value files by number, for the pointers.
  private(set) var valueFiles: [UInt64: ValueFileRecord] = [:]
  /// False where what the store knows of its bucket cannot be read: then nobody says what may lie only there.
  var isTieReadable = true
  /// What was found of copies in the bucket: each is asked for once, so that one that cannot be had is
  /// one finding, and not waited for again.
  var copies: [FileName: Result<Void, FileSystemError>] = [:]
  /// False where nothing says which value files are live: they are then held to their own headers.
  private(set) var isManifestReadable = false

  init(_ directory: TieredDirectory, _ depth: IntegrityDepth, readsCold: Bool) {
    self.directory = directory
    self.readsCold = readsCold
    environment = SegmentEnvironment(
      directory: directory, mode: .pread,
      blocks: BlockAccess(decompressor: Decompressor(), cache: BlockCache(budget: 1 << 20)))
    self.depth = depth
  }

  func run(
    _ names: [String], _ onFinding: (IntegrityFinding) throws -> Void
  ) throws {
    let files = names.compactMap(FileName.init(parsing:)).sorted {
      $0.number < $1.number
    }
    guard !files.isEmpty else {
      throw StoreError(.notFound, "this is not a store: it has no manifest", file: directory.path)
    }
    let manifest = examineManifest(files.last { $0.kind == .manifest })
    try hand(to: onFinding)
    guard let manifest else {
      // Without a manifest nobody can say which files matter: each is held to its own header.
      for file in files where file.kind == .segment {
        examineSegment(unnamed: file)
        try hand(to: onFinding)
      }
      return
    }
    isManifestReadable = true
    examineTie(manifest)
    for record in manifest.valueFiles { valueFiles[record.number] = record }
    noteLeftovers(names, manifest)
    examineLogs(files, manifest)
    try hand(to: onFinding)
    for record in manifest.segments where isAtHand(FileName(.segment, record.number)) {
      examineSegment(record)
      try hand(to: onFinding)
    }
    for record in manifest.valueFiles where isAtHand(FileName(.values, record.number)) {
      examineValueFile(record)
      try hand(to: onFinding)
    }
    try hand(to: onFinding)
  }

  private func hand(to onFinding: (IntegrityFinding) throws -> Void) throws {
    let findings = pending
    pending.removeAll(keepingCapacity: true)
    for finding in findings { try onFinding(finding) }
  }

  /// - Parameter owner: the file that the finding counts among those of, where that is another one.
  func note(_ finding: IntegrityFinding, among owner: FileName? = nil) {
    guard !wasTold(finding) else { return }
    countIn(finding)
    let owner = owner?.description ?? finding.file
    switch limit.take(finding.severity, of: owner) {
    case .told: tell(finding)
    case .firstUntold:
      let more = IntegrityFinding.more(in: owner)
      countIn(more)
      pending.append(more)
    case .untold: break
    }
  }

  private func countIn(_ finding: IntegrityFinding) {
    switch finding.severity {
    case .damage: report.damage += 1
    case .notice: report.notices += 1
    }
  }

  private func tell(_ finding: IntegrityFinding) {
    if let record = RecordPlace(finding) { damagedRecords.insert(record) }
    pending.append(finding)
  }

  private func wasTold(_ finding: IntegrityFinding) -> Bool {
    RecordPlace(finding).map(damagedRecords.contains) ?? false
  }

  func note(_ error: FormatError, _ file: FileName) {
    note(IntegrityFinding(error, in: file.description))
  }

  /// Runs `body` over the bytes of a file, and takes note of what hinders it.
  func withContents(
    of file: FileName, _ body: (ByteView) -> Void
  ) {
    do {
      let contents = try FileContents(of: file.description, in: directory, mayBeCut: false)
      report.files += 1
      body(contents.bytes)
    } catch {
      note(IntegrityFinding(error, in: file.description))
    }
  }

  func countFiles(_ count: Int) { report.files += count }

  func count(
    bytes: UInt64 = 0, blocks: Int = 0, entries: UInt64 = 0, logRecords: Int = 0, values: Int = 0
  ) {
    // A gap in a forged file is as long as it says.
    report.bytes = report.bytes.addingStated(bytes)
    report.blocks += blocks
    report.entries = report.entries.addingStated(entries)
    report.logRecords += logRecords
    report.values += values
  }
}

/// A record of a value file.
struct RecordPlace: Hashable {
  private let file: String
  private let offset: UInt64

  /// Nil where the finding is not that a record is damaged.
  init?(_ finding: IntegrityFinding) {
    guard finding.structure == FormatError.Structure.valueRecord.rawValue,
      finding.severity == .damage, let offset = finding.offset
    else { return nil }
    (file, self.offset) = (finding.file, offset)
  }
}

// MARK: - Manifest and directory

extension StoreVerification {
  private func examineManifest(_ file: FileName?) -> Manifest? {
    guard let file else {
      // Its number is not known: any would do.
      note(
        IntegrityFinding(
          .damage, "manifest", "there is none, though there are other files of a store",
          structure: StoreError.wholeFile))
      return nil
    }
    var found: Manifest?
    withContents(of: file) { bytes in
      count(bytes: UInt64(bytes.count))
      do throws(FormatError) {
        let manifest = try Manifest(decoding: bytes)
        guard manifest.number == file.number else {
          throw FormatError(.fileHeader, .value("file number"), at: 24)
        }
        found = manifest
      } catch {
        note(error, file)
      }
    }
    return found
  }

  /// Files of ours that this version does not need: harmless, and the next opening removes them.
  private func noteLeftovers(_ names: [String], _ manifest: Manifest) {
    var live: Set<String> = ["\(FileName(.manifest, manifest.number))", FileName.lock]
    live.formUnion(manifest.segments.map { "\(FileName(.segment, $0.number))" })
    live.formUnion(manifest.valueFiles.map { "\(FileName(.values, $0.number))" })
    for name in names.sorted() where !live.contains(name) {
      let isTemporary = name.hasSuffix(".new")
      let stem = isTemporary ? String(name.dropLast(4)) : name
      guard let file = FileName(parsing: stem), isTemporary || file.kind != .log,
        // Newer than the manifest: of a writer that crashed before it could name them.
        isTemporary || file.number < manifest.nextFileNumber || file.kind == .manifest
      else { continue }
      note(IntegrityFinding(.notice, name, "left over; the next opening for writing removes it"))
    }
  }
}
