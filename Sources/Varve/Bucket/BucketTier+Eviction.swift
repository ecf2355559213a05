import VarveFormat
import VarvePlatform

extension BucketTier {
  /// The files of `version` that may leave this machine, the lowest numbers first, for at most `kept`
  /// bytes to stay.
  ///
  /// Segments that lead to values in files of their own stay as long as there is anything else: with them
  /// on disk a value that is cold takes one request and not two.
  func filesToEvict(
    of version: Version, keeping kept: UInt64
  ) throws(StoreError) -> [LocalFile] {
    guard let head else { return [] }
    let copies = Set(head.files.map(\.name))
    let leading = Set(
      version.manifest.segments.filter { !$0.valueReferences.isEmpty }.map(\.number))
    var local: [LocalFile] = []
    for file in version.manifest.forBucket.bucketFiles where try isLocal(file) {
      local.append(file)
    }
    var bytes = local.reduce(0) { $0 + $1.size }
    let order = local.filter { copies.contains($0.name) }.sorted {
      let (left, right) = ($0.leads(leading), $1.leads(leading))
      return left != right ? !left : $0.number < $1.number
    }
    var going: [LocalFile] = []
    for file in order where bytes > kept {
      going.append(file)
      bytes -= file.size
    }
    return going
  }

  func isLocal(_ file: LocalFile) throws(StoreError) -> Bool {
    do throws(FileSystemError) {
      return try tiered.localStatus(of: file.name.description) != nil
    } catch {
      throw StoreError(error)
    }
  }

  /// Keeps what searches need of files that are about to go.
  func keepEnds(of files: [LocalFile]) throws(StoreError) {
    for file in files {
      let name = file.name.description
      guard let place = cold.place(of: name) else { continue }
      do throws(FileSystemError) {
        let open = try directory.open(name)
        defer { try? open.close() }
        try ColdEnds.keep(of: open, place, in: directory)
      } catch {
        throw StoreError(error)
      }
    }
  }

  /// Removes files whose copies a durable `bucket` file names. Who reads one goes on doing so.
  func removeLocal(_ files: [LocalFile]) throws(StoreError) {
    do throws(FileSystemError) {
      for file in files { try tiered.removeLocal(file.name.description) }
    } catch {
      throw StoreError(error)
    }
  }
}

extension LocalFile {
  fileprivate func leads(_ leading: Set<UInt64>) -> Bool {
    kind == .segment && leading.contains(number)
  }
}
