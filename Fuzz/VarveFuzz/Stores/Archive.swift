import VarveFormat

/// Several files as one input.
///
/// ```
/// u8 length of the name | name | u32 length | bytes | the next file ...
/// ```
///
/// Any bytes are an archive: the last file takes what is left where there is less than it says.
struct Archive {
  struct Member {
    var name: String
    var bytes: [UInt8]
  }

  private static let mostMembers = 24

  var members: [Member] = []

  init(_ members: [Member]) { self.members = members }

  init(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while members.count < Self.mostMembers, let nameCount = rest.popFirst() {
      let name = rest.prefix(Int(nameCount))
      rest = rest.dropFirst(name.count)
      let count = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
      rest = rest.dropFirst(4)
      members.append(
        Member(name: String(decoding: name, as: UTF8.self), bytes: Array(rest.prefix(count))))
      rest = rest.dropFirst(members[members.count - 1].bytes.count)
    }
  }

  var bytes: [UInt8] {
    var writer = ByteWriter()
    for member in members {
      let name = Array(member.name.utf8.prefix(255))
      writer.uint8(UInt8(name.count))
      writer.append(name)
      writer.uint32(UInt32(member.bytes.count))
      writer.append(member.bytes)
    }
    return writer.bytes
  }
}

// MARK: - Changing and signing

extension Archive {
  /// Changes one file, mostly where its bytes lie; now and then its length, or which files there are.
  static func change(_ bytes: inout [UInt8], _ change: inout Change) {
    var archive = Archive(bytes)
    guard !archive.members.isEmpty, change.below(20) > 0 else { return change.anything(&bytes) }
    let index = change.below(archive.members.count)
    switch change.below(16) {
    case 0: archive.members.remove(at: index)
    case 1: archive.members[index].name = changedName(archive.members[index].name, &change)
    case 2:
      archive.members[index].bytes.removeLast(change.below(archive.members[index].bytes.count))
    case 3: change.anything(&archive.members[index].bytes)
    default:
      let count = archive.members[index].bytes.count
      change.inPlace(&archive.members[index].bytes, within: 0..<count)
    }
    let changed = archive.bytes
    if changed.count <= change.limit { bytes = changed }
  }

  private static func changedName(_ name: String, _ change: inout Change) -> String {
    guard let name = FileName(parsing: name), change.below(4) > 0 else {
      return String(decoding: change.changed(Array(name.utf8), limit: 40), as: UTF8.self)
    }
    let number = name.number ^ 1 << UInt64(change.below(6))
    return FileName(name.kind, number).description
  }

  /// Signs each file as what its name says it is.
  mutating func sign(isRepaired: Bool) {
    let store = members.first { FileName(parsing: $0.name)?.kind == .manifest }
      .map { Signed($0.bytes, isRepaired: isRepaired).id }
    for index in members.indices {
      guard let name = FileName(parsing: members[index].name) else { continue }
      var file = Signed(members[index].bytes, isRepaired: isRepaired)
      if isRepaired, name.kind == .log || name.kind == .manifest {
        file.put(name.number, at: 24)
        if let store, name.kind == .log { file.put(store.low, at: 48) }
      }
      file.sign(as: name.kind)
      members[index].bytes = file.bytes
    }
  }
}

extension Signed {
  mutating func sign(as kind: FileName.Kind) {
    switch kind {
    case .log: signLog()
    case .segment: signSegment()
    case .values: signValueFile()
    case .manifest: signManifest()
    }
  }

  /// Signs the files of an archive.
  mutating func signArchive() {
    var archive = Archive(bytes)
    archive.sign(isRepaired: isRepaired)
    replace(with: archive.bytes)
  }
}
