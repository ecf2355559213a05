import VarveFormat
import VarvePlatform
import VarveSimulation

@testable import Varve

extension FuzzTarget {
  /// What is kept of a cold file's header and tail: taken as it is, or not at all.
  static let tail = FuzzTarget("tail", upTo: 4 << 10, sign: { $0.signTail() }) { bytes in
    try TailExam(bytes.array)?.run()
  }
}

/// ```
///   u64 size of the file | u32 bytes of its tail | 16 bytes of its SHA-256 | the file <name>.tail
///   \____________ what the bucket's manifest says of the file ___________/
/// ```
struct TailExam {
  /// Bytes before the file.
  static let prefix = 28

  private let place: ColdPlace
  private let kept: [UInt8]
  private let disk = SimulatedFileSystem()
  private let directory: any Directory
  private let file: ColdFile

  init?(_ bytes: [UInt8]) throws {
    let said = Signed(bytes, isRepaired: false)
    guard bytes.count >= Self.prefix else { return nil }
    let digest = Array(bytes[12..<Self.prefix]) + [UInt8](repeating: 0, count: 16)
    // No manifest says more of a tail.
    let tail = min(UInt64(said.uint32(at: 8)), BucketObject.mostTailBytes)
    let object = BucketObject(epoch: 1, digest: digest, tailBytes: tail)
    place = ColdPlace(file: BucketFile(.segment, 7, object), size: said.uint64(at: 0))
    kept = Array(bytes.dropFirst(Self.prefix))
    directory = try disk.openDirectory(at: "store", create: true)
    try disk.place(kept, at: "store/" + ColdEnds.name(of: place.file.name.description))
    // The bucket does not answer: what is read is what is kept.
    let files = ColdFiles(budget: 1 << 20)
    files.connect(nil, keepsEnds: true)
    file = ColdFile(place, files, in: directory)
  }

  private var head: Range<UInt64> { 0..<min(place.size, UInt64(FileHeader.byteCount)) }
  private var tail: Range<UInt64> { place.tailStart..<place.size }

  func run() throws {
    let isSound = isSound
    let ends = [head, tail].filter { !$0.isEmpty }
    for range in ends.flatMap(Self.parts) {
      promise(read(range) == (isSound ? expected(range) : nil), "\(range) is read as another")
    }
    promise(head.upperBound == tail.lowerBound || read(between) == nil, "what is not kept is read")
    if isSound { try rewrite() }
  }

  /// Whether it is what stands in the specification, as that says it.
  private var isSound: Bool {
    let count = 16 + UInt64(head.count) + UInt64(tail.count) + 4
    let signed = Signed(kept, isRepaired: false)
    return kept.count == count && kept.starts(with: place.file.object.digest.prefix(16))
      && signed.uint32(at: kept.count - 4) == signed.checksum(of: 0..<kept.count - 4)
  }

  private func expected(_ range: Range<UInt64>) -> [UInt8] {
    let isTail = range.lowerBound >= tail.lowerBound
    let start =
      16 + (isTail ? head.count + Int(range.lowerBound - tail.lowerBound) : Int(range.lowerBound))
    return Array(kept[start..<start + range.count])
  }

  /// All of it, a piece in the midst, and all again: who read the whole tail let go of it.
  private static func parts(_ range: Range<UInt64>) -> [Range<UInt64>] {
    let third = UInt64(range.count / 3)
    return [range, range.lowerBound + third..<range.upperBound - third, range]
  }

  private var between: Range<UInt64> { head.upperBound..<head.upperBound + 1 }

  /// Nil where it is not kept.
  private func read(_ range: Range<UInt64>) -> [UInt8]? {
    // What a damaged copy says is never that much.
    guard range.count <= 1 << 20 else { return nil }
    do throws(FileSystemError) { return try file.bytes(range) } catch {
      guard case .remote(let failure) = error.reason, failure.kind == .unavailable else {
        promise(false, "\(error)")
        return nil
      }
      return nil
    }
  }

  /// What is kept of a file whose ends these are is the same.
  private func rewrite() throws {
    try ColdEnds.keep(of: file, place, in: directory)
    promise(disk.contents().values.first == kept, "a tail has another form")
  }
}
