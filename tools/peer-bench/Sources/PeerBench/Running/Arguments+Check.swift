import Foundation

/// What would end a run of hours after hours is said before it begins.
extension Arguments {
  func check() throws {
    try checkLines()
    if wantsList { return }
    try checkFiles()
    switch command {
    case .lines: break
    case .report:
      guard !records.isEmpty else { throw Self.wrong("report needs files that --json has written") }
    case .scaling: try checkRoom()
    }
  }

  private func checkLines() throws {
    for name in only + except {
      let lines = allWorkloads.filter { Self.picks(name, $0) }
      guard !lines.isEmpty else {
        throw Self.wrong("there is no line that is named or begins with \(name); --list shows all")
      }
      if only.contains(name), files == nil, !wantsList, lines.allSatisfy(\.data.isReal) {
        throw Self.wrong("\(name) is about real records, whose directory --data names")
      }
    }
    guard !workloads.isEmpty else { throw Self.wrong("no line is left") }
  }

  private func checkFiles() throws {
    let manager = FileManager.default
    if let data = files {
      for name in DataKind.fileNames where !manager.isReadableFile(atPath: "\(data)/\(name)") {
        throw Self.wrong("--data: there is no \(data)/\(name)")
      }
    }
    for path in [directory] + [json, plot].compactMap({ $0 }).map(Self.folder) {
      var isFolder: ObjCBool = false
      guard manager.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue,
        manager.isWritableFile(atPath: path)
      else { throw Self.wrong("\(path) is no directory to write to") }
    }
    // It may hold what another run found in hours.
    if let json, manager.fileExists(atPath: json) {
      throw Self.wrong("--json: \(json) is there already; name another file, or remove it")
    }
  }

  /// A fill's operations are laid out before the clock starts.
  private func checkRoom() throws {
    let bytesEach = 2 * (Dataset.madeKeyBytes + 100)
    let most = Int(ProcessInfo.processInfo.physicalMemory) / bytesEach
    for size in sizes where size > most {
      throw Self.wrong(
        "--sizes: \(LogScale.label(Double(size))) entries do not fit into this machine's memory, "
          + "\(LogScale.label(Double(most / 1_000_000 * 1_000_000))) would")
    }
  }

  private static func folder(_ path: String) -> String {
    let folder = (path as NSString).deletingLastPathComponent
    return folder.isEmpty ? "." : folder
  }
}
