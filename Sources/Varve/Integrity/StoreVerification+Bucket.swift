import VarveFormat
import VarvePlatform

extension StoreVerification {
  /// What the store knows of its bucket: which files may lie only there.
  func examineTie(_ manifest: Manifest) {
    do throws(StoreError) {
      guard let tie = try TieFile(directory: directory).read() else { return }
      report.files += 1
      guard tie.storeID == manifest.storeID else {
        isTieReadable = false
        return note(
          IntegrityFinding(
            .damage, FileName.bucket, "belongs to another store",
            structure: FormatError.Structure.bucketTie.rawValue, offset: 24))
      }
      if let head = tie.head { directory.cold.add(head, among: manifest) }
    } catch {
      isTieReadable = false
      note(IntegrityFinding(error, in: FileName.bucket))
    }
  }

  /// Whether a file can be looked at. One that cannot is told of.
  func isAtHand(_ file: FileName) -> Bool {
    guard isOutOfReach(file) else { return true }
    if case .failure(let error) = copies[file] {
      note(IntegrityFinding(error, in: file.description))
    } else {
      report.onlyInBucket += 1
      let place = isTieReadable ? "lies only in the bucket" : "is not here and may lie in a bucket"
      note(IntegrityFinding(.notice, file.description, "\(place), and was not looked at"))
    }
    return false
  }

  /// Whether a file lies only in the bucket, and that is not at hand or does not give it; also where it is not here and
  /// may lie there.
  func isOutOfReach(_ file: FileName) -> Bool {
    let place = directory.cold.place(of: file.description)
    guard place != nil || !isTieReadable else { return false }
    do throws(FileSystemError) {
      guard try directory.localStatus(of: file.description) == nil else { return false }
    } catch {
      // It is looked at, and then says what is wrong.
      return false
    }
    guard readsCold, let place else { return true }
    let copy = copies[file] ?? self.copy(at: place)
    copies[file] = copy
    if case .failure = copy { return true }
    return false
  }

  /// Whether there is a copy, of the right size, that can be read.
  private func copy(at place: ColdPlace) -> Result<Void, FileSystemError> {
    Result { () throws(FileSystemError) in
      _ = try directory.cold.fetch(place.part(1, at: 0), of: place)
    }
  }
}
