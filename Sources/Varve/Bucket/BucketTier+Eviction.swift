import VarveFormat
import VarvePlatform

extension BucketTier {
  /// The files of `version` that may leave this machine, the lowest numbers first, for at most `kept` bytes to
  /// stay, and none that was written before `oldest`, in ms since 1970.
  ///
  /// Segments that lead to values in files of their own stay as long as there is anything else: with them
  /// on disk a value that is cold takes one request and not two.
  func filesToEvict(
    of version: Version, keeping kept: UInt64, writtenAfter oldest: UInt64
  ) throws(StoreError) -> [LocalFile] {
    guard let copies = known.head?.copies else { return [] }
    let leading = Set(
      version.manifest.segments.filter { !$0.valueReferences.isEmpty }.map(\.number))
    var local: [(file: LocalFile, written: UInt64)] = []
    for file in version.manifest.forBucket.bucketFiles {
      if let status = try localStatus(of: file) { local.append((file, status.modified)) }
    }
    var bytes = local.statedSum(\.file.size)
    let order = local.filter { copies[$0.file.key] != nil }.sorted {
      let (left, right) = ($0.file.leads(leading), $1.file.leads(leading))
      return left != right ? !left : $0.file.number < $1.file.number
    }
    var going: [LocalFile] = []
    for (file, written) in order where bytes > kept || written < oldest {
      going.append(file)
      bytes -= min(bytes, file.size)
    }
    return going
  }

  func isLocal(_ file: LocalFile) throws(StoreError) -> Bool { try localStatus(of: file) != nil }

  private func localStatus(of file: LocalFile) throws(StoreError) -> FileStatus? {
    do throws(FileSystemError) {
      return try tiered.localStatus(of: file.name.description)
    } catch {
      throw StoreError(error)
    }
  }

  /// Lets a file go whose copy a durable `bucket` file names: who reads it goes on doing so. What searches
  /// need of it is kept, where there is room for it; else it is fetched when it is needed. False where it
  /// cannot go.
  func letGo(of file: LocalFile) throws(StoreError) -> Bool {
    let name = file.name.description
    // Another may have let it go since it was chosen.
    guard try isLocal(file), let place = cold.place(of: name) else { return false }
    do throws(FileSystemError) {
      let open = try directory.open(name)
      defer { try? open.close() }
      do throws(FileSystemError) { try ColdEnds.keep(of: open, place, in: tiered) } catch {
        guard error.reason == .full else { throw error }
      }
      try tiered.removeLocal(name)
      return true
    } catch {
      throw StoreError(error)
    }
  }

  /// Makes sure that nobody has taken over: what lies only in the bucket is that one's to remove.
  func checkHead() throws(StoreError) {
    let writer = try connectedWriter()
    do throws(BucketError) { try writer.checkHead() } catch { throw refusal(error) }
  }
}

extension LocalFile {
  fileprivate func leads(_ leading: Set<UInt64>) -> Bool {
    kind == .segment && leading.contains(number)
  }
}
