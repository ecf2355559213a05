import VarveFormat

// What a merge wrote must be within what the manifest says of its inputs. A forged segment may hold anything: a version
// with that would be refused again and again, and whoever commits beside it with it.

extension Engine {
  /// - Throws: `.corrupted`, naming the input of which the manifest says something else than it holds.
  func check(_ result: SegmentOutput.Result, of plan: CompactionPlan) throws(StoreError) {
    let files = Set((versions.current.manifest.valueFiles + result.valueFiles).map(\.number))
    let last = plan.segments.map(\.largestSequence).max() ?? .zero
    let isWithin = result.segments.allSatisfy { segment in
      plan.range.covers(KeySpan(segment)) && segment.largestSequence <= last
        && segment.valueReferences.allSatisfy { files.contains($0.file) }
    }
    guard isWithin else { throw try disagreement(in: plan) }
  }

  /// About the first input that does not say of itself what the manifest does; about the first of all where each does.
  private func disagreement(in plan: CompactionPlan) throws(StoreError) -> StoreError {
    let version = versions.current
    let handles = version.levelZero + version.levels.flatMap(\.segments)
    for record in plan.segments {
      guard let handle = handles.first(where: { $0.record.number == record.number }),
        let what = try handle.reader.properties().disagreements(with: record).first
      else { continue }
      return error(record, "the manifest disagrees about the segment's \(what)")
    }
    return error(plan.segments[0], "it holds other entries than the manifest and it itself say")
  }

  private func error(_ segment: SegmentRecord, _ message: String) -> StoreError {
    StoreError(
      .corrupted, message, file: "\(FileName(.segment, segment.number))",
      structure: FormatError.Structure.properties.rawValue, offset: 0)
  }
}

extension SegmentProperties {
  /// What a manifest says otherwise.
  func disagreements(with record: SegmentRecord) -> [String] {
    let pairs: [(String, Bool)] = [
      ("entry count", entryCount == record.entryCount),
      ("delete count", deleteCount == record.deleteCount),
      ("smallest key", smallestKey == record.smallestKey),
      ("largest key", largestKey == record.largestKey),
      ("smallest sequence", smallestSequence == record.smallestSequence),
      ("largest sequence", largestSequence == record.largestSequence),
      ("earliest expiry", earliestExpiry == record.earliestExpiry),
      ("latest expiry", latestExpiry == record.latestExpiry),
      ("raw bytes", rawBytes == record.rawBytes),
      ("value references", valueReferences == record.valueReferences),
    ]
    return pairs.filter { !$0.1 }.map(\.0)
  }
}
