import VarveFormat
import VarvePlatform

extension StoreVerification {
  /// Checks one segment and holds it to its record.
  func examineSegment(_ record: SegmentRecord) {
    let file = FileName(.segment, record.number)
    let segment = reader(record.number, record.id, record.size)
    let isOutlineSound = examineOutline(segment, record)
    guard depth == .deep else { return }
    examineBytes(segment, file)
    if isOutlineSound, !record.digest.isEmpty { examineDigest(record, file) }
  }

  /// Checks a segment that no readable manifest speaks of, against its own header.
  func examineSegment(unnamed file: FileName) {
    let name = file.description
    do throws(FileSystemError) {
      let plain = try directory.open(name)
      let size = try plain.size()
      let buffer = AlignedBuffer(capacity: FileHeader.byteCount)
      let found = try plain.read(into: buffer, count: FileHeader.byteCount, at: 0)
      countFiles(1)
      do throws(FormatError) {
        let header = try FileHeader(decoding: buffer.view(count: found), as: .segment)
        examineBytes(reader(file.number, header.identity, size), file)
      } catch {
        note(error, file)
      }
    } catch {
      note(IntegrityFinding(error, in: name))
    }
  }

  private func reader(_ number: UInt64, _ id: FileID, _ size: UInt64) -> SegmentReader {
    SegmentReader(number: number, id: id, size: size, in: environment)
  }

  /// Size, header, footer, properties and top of the index, and what the manifest says of them.
  private func examineOutline(_ segment: SegmentReader, _ record: SegmentRecord) -> Bool {
    do throws(StoreError) {
      let stored = try segment.properties()
      countFiles(1)
      compare(stored, record)
      return true
    } catch {
      // The deep check meets the same flaw again and tells more of it, unless the file itself is
      // missing or cut.
      if depth == .fast || [nil, StoreError.wholeFile].contains(error.structure) {
        note(IntegrityFinding(error, in: segment.name))
      }
      return false
    }
  }

  private func compare(_ stored: SegmentProperties, _ record: SegmentRecord) {
    for what in stored.disagreements(with: record) {
      note(
        IntegrityFinding(
          .damage, "\(FileName(.segment, record.number))",
          "the manifest disagrees about the segment's \(what)",
          structure: FormatError.Structure.properties.rawValue))
    }
  }

  /// Every byte, and every value that an entry points to.
  private func examineBytes(_ segment: SegmentReader, _ file: FileName) {
    var pointers = SegmentPointers(of: file)
    var bytes: UInt64 = 0
    do throws(StoreError) {
      let seen = try segment.verify(
        progress: { count in
          bytes += count
          return true
        },
        checkMeaning: { (entry, place) throws(FormatError) in
          try SystemEntry.check(entry.kind, key: entry.key, value: entry.value, at: place)
        },
        onPointer: { pointer, place in
          pointers.add(pointer, at: place)
          if pointers.uses.count >= self.mostPointers { self.examine(&pointers) }
        },
        { self.note(IntegrityFinding($0)) })
      count(bytes: bytes, blocks: Int(seen.blockCount), entries: seen.entryCount)
    } catch {
      note(IntegrityFinding(error, in: file.description))
    }
    examine(&pointers)
  }

  private func examineDigest(_ record: SegmentRecord, _ file: FileName) {
    do throws(FileSystemError) {
      let plain = try directory.open(file.description)
      var sum = SHA256()
      let buffer = AlignedBuffer(capacity: 1 << 20)
      var offset: UInt64 = 0
      while true {
        let found = try plain.read(into: buffer, count: buffer.capacity, at: offset)
        guard found > 0 else { break }
        sum.append(buffer.view(count: found))
        offset += UInt64(found)
      }
      guard sum.digest() != record.digest else { return }
      note(
        IntegrityFinding(.damage, file.description, "the manifest has another SHA-256 of it"))
    } catch {
      note(IntegrityFinding(error, in: file.description))
    }
  }
}
