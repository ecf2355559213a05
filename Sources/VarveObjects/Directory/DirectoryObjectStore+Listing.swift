import VarvePlatform

extension DirectoryObjectStore {
  /// Lists all directories that the prefix leads to, for each page; looks at the files of the page.
  public func list(
    _ prefix: String, after place: String?, limit: Int
  ) throws(ObjectStoreError) -> ObjectListing {
    // Bytes sort as the parts of a path do not: all names below are needed before the first is known.
    let found = try names(beginning: prefix).filter { name in
      place.map { name.description.utf8.isAfter($0) } ?? true
    }
    let page = found.sorted().prefix(max(1, limit))
    var entries: [ObjectListing.Entry] = []
    for name in page {
      // One that went since is no part of the listing.
      guard let status = try status(of: name) else { continue }
      entries.append(.init(name: name, size: status.size, modified: status.modified))
    }
    return ObjectListing(
      entries: entries, end: page.count < found.count ? page.last?.description : nil,
      serverTime: nil)
  }

  private func names(beginning prefix: String) throws(ObjectStoreError) -> [ObjectName] {
    let slash = prefix.utf8.lastIndex(of: UInt8(ascii: "/"))
    var found: [ObjectName] = []
    try visit(slash.map { String(prefix[..<$0]) } ?? "") { path, _, _ throws(ObjectStoreError) in
      if path.utf8.starts(with: prefix.utf8), let name = ObjectName(path) { found.append(name) }
    }
    return found
  }

  /// Removes temporary files.
  public func removeUnfinished(olderThan age: UInt64) throws(ObjectStoreError) -> Int {
    var left: [(any Directory, String, FileStatus)] = []
    try visit("") { path, directory, file throws(ObjectStoreError) in
      guard file.hasPrefix(Self.temporaryMark) else { return }
      try at(path) { () throws(FileSystemError) in
        if let status = try directory.status(of: file) { left.append((directory, file, status)) }
      }
    }
    guard !left.isEmpty else { return 0 }
    let now = try serverTime()
    var removed = 0
    for (directory, file, status) in left where now >= status.modified &+ age {
      try at(file) { () throws(FileSystemError) in try directory.remove(file) }
      removed += 1
    }
    return removed
  }

  /// What the file system's own clock says of a file that is made now.
  private func serverTime() throws(ObjectStoreError) -> UInt64 {
    guard let directory = try directory("") else { return 0 }
    let temporary = temporaryName()
    return try at(temporary) { () throws(FileSystemError) in
      // Where it cannot be removed it is a leftover like others.
      defer { try? directory.remove(temporary) }
      try directory.create(temporary).close()
      return try directory.status(of: temporary)?.modified ?? 0
    }
  }

  /// Calls `body` with the path below ours, the directory and the name of every file at or below `path`.
  private func visit(
    _ path: String, _ body: (String, any Directory, String) throws(ObjectStoreError) -> Void
  ) throws(ObjectStoreError) {
    guard let directory = try directory(path) else { return }
    let names = try at(path) { () throws(FileSystemError) in try directory.names() }
    for name in names {
      let whole = path.isEmpty ? name : "\(path)/\(name)"
      let status = try at(whole) { () throws(FileSystemError) in try directory.status(of: name) }
      guard let status else { continue }
      if status.isRegularFile {
        try body(whole, directory, name)
      } else if ObjectName(whole) != nil {
        try visit(whole, body)
      }
    }
  }

  func at<Result>(
    _ path: String, _ body: () throws(FileSystemError) -> Result
  ) throws(ObjectStoreError) -> Result {
    do throws(FileSystemError) { return try body() } catch { throw ObjectStoreError(error, path) }
  }
}

extension String.UTF8View {
  /// Whether these bytes stand behind those of `other`.
  func isAfter(_ other: String) -> Bool { other.utf8.lexicographicallyPrecedes(self) }
}
