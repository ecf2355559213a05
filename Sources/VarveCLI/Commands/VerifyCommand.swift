import Varve

/// `varve verify`: whether every byte is as it was written.
enum VerifyCommand {
  private static let deep = Option.flag(
    "--deep", "every byte: blocks, order of keys, filters, sums, values")

  private static let remote = Option.flag(
    "--remote", "files too that lie only in the store's bucket, read from there")

  static let specification = CommandSpecification(
    name: "verify", summary: "check a store for damage",
    notes: [
      "The fast form checks the manifest, the presence, size, header and footer of every file, and"
        + " all log records. The deep form reads everything. Each finding is one line: file,"
        + " structure, problem, offset. Nothing is changed, and the first flaw does not hide the"
        + " next. Of each file the first 1,000 findings are shown, and all are counted.",
      "The exit status is 0 for a sound store, 1 where there is damage. Notices (leftover files, a"
        + " tail that a crash tore) are not damage. The store must not be open elsewhere: 3.",
    ],
    operands: [.store],
    options: [deep.specification, remote.specification, Option.json.specification],
    examples: [
      .init("varve verify catalog.varve", "A look at every file."),
      .init("varve verify catalog.varve --deep --json", "Every byte, for a program."),
    ],
    run: run)

  private static func run(_ invocation: Invocation) throws -> ExitStatus {
    let arguments = invocation.arguments
    let output = invocation.output
    let verifier = try StoreVerifier(
      at: arguments[.store],
      bucket: arguments[remote] ? try StoreSession.bucket(of: arguments[.store]) : nil)
    var isDamaged = false
    let report: IntegrityReport
    do {
      report = try verifier.run(arguments[deep] ? .deep : .fast) { finding in
        isDamaged = isDamaged || finding.severity == .damage
        try show(finding, output, asJSON: arguments[.json])
      }
    } catch is Output.Closed where isDamaged {
      // Nobody reads on, but the answer is known.
      return .negative
    }
    if arguments[.json] {
      try output.write(json: { $0.report(report) })
    } else {
      let rest = arguments[deep] ? "" : "; --deep reads all there is"
      try output.write(line: summary(report, output.style) + rest + unread(report))
    }
    return report.isSound ? .good : .negative
  }

  private static func unread(_ report: IntegrityReport) -> String {
    guard report.onlyInBucket > 0 else { return "" }
    let files = Quantity.count(UInt64(report.onlyInBucket), "file lies", "files lie")
    let verb =
      report.onlyInBucket == 1
      ? "was not read: --remote reads it" : "were not read: --remote reads them"
    return "; \(files) only in the bucket and \(verb)"
  }

  private static func show(
    _ finding: IntegrityFinding, _ output: Output, asJSON: Bool
  ) throws {
    if asJSON {
      try output.write(json: { $0.finding(finding) })
    } else {
      try output.write(line: line(finding, output.style))
    }
    // A finding may be long in coming: it is shown when it is found.
    try output.flush()
  }

  private static func line(_ finding: IntegrityFinding, _ style: Style) -> String {
    switch finding.severity {
    case .damage: "\(style.bad("damage")) \(finding)"
    case .notice: "\(style.warning("notice")) \(finding)"
    }
  }

  static func summary(_ report: IntegrityReport, _ style: Style) -> String {
    let verdict =
      report.isSound
      ? style.good("sound")
      : style.bad(Quantity.count(UInt64(report.damage), "damaged place", "damaged places"))
    // The fast form looks at no blocks: what was not looked at is not worth a word.
    let counts: [(UInt64, String, String)] = [
      (UInt64(report.files), "file", "files"), (UInt64(report.blocks), "block", "blocks"),
      (report.entries, "entry", "entries"), (UInt64(report.values), "value", "values"),
    ]
    let looked = counts.filter { $0.0 > 0 }.map { Quantity.count($0, $1, $2) }
    return "\(verdict): looked at "
      + (looked + [Quantity.bytes(report.bytes)]).joined(separator: ", ")
  }
}

extension JSONWriter {
  mutating func finding(_ finding: IntegrityFinding) {
    object { writer in
      writer.member("finding", finding.severity.rawValue)
      writer.member("file", finding.file)
      if let structure = finding.structure { writer.member("structure", structure) }
      if let offset = finding.offset { writer.member("offset", offset) }
      writer.member("message", finding.message)
    }
  }

  mutating func report(_ report: IntegrityReport) {
    object { writer in
      writer.member("sound", report.isSound)
      writer.member("damage", report.damage)
      writer.member("notices", report.notices)
      writer.member("files", report.files)
      writer.member("only_in_bucket", report.onlyInBucket)
      writer.member("bytes", report.bytes)
      writer.member("blocks", report.blocks)
      writer.member("entries", report.entries)
      writer.member("log_records", report.logRecords)
      writer.member("values", report.values)
    }
  }
}
