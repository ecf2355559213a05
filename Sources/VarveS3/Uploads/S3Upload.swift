import VarveFormat
import VarveObjects
import VarvePlatform

/// An object that is put in parts ("Uploading and copying objects using multipart upload" of the S3 user
/// guide): begun, filled by several threads, and then made an object by one request, or given up.
///
/// All parts but the last are of one size, which some servers want.
struct S3Upload: Sendable {
  /// Where the bytes come from.
  enum Source: Sendable {
    case content(ObjectContent)
    /// An object of the bucket, as `x-amz-copy-source`.
    case object(String)
  }

  /// A part that the bucket has.
  struct Part: Sendable {
    let tag: String
    let bytes: UInt64
    /// The CRC-32C of what was sent; nil for a part that was copied.
    let crc32c: UInt32?
  }

  /// 9,000 parts of 5 GiB, the largest there are.
  private static let mostBytes: UInt64 = 9000 * (5 << 30)
  /// How long giving up is tried: who waits has waited for long.
  private static let abortMilliseconds: UInt64 = 5_000
  static let mark = "x-amz-meta-varve-upload"

  let store: S3ObjectStore
  let name: ObjectName
  let size: UInt64
  private let storageClass: StorageClass?
  let cancellation: HTTPCancellation
  /// Stored with the object, so that it is known again.
  let nonce: String

  init(
    _ store: S3ObjectStore, _ name: ObjectName, _ size: UInt64, _ storageClass: StorageClass?,
    _ cancellation: HTTPCancellation
  ) {
    self.store = store
    self.name = name
    self.size = size
    self.storageClass = storageClass
    self.cancellation = cancellation
    let random = store.client.parts.random
    nonce = String(random.next(), radix: 16) + String(random.next(), radix: 16)
  }

  /// Bytes of all parts but the last: 16 MiB, or as many MiB as keep it to 9,000 parts.
  static func partBytes(of size: UInt64) -> UInt64 {
    let mebibytes = ((size + 8999) / 9000 + (1 << 20) - 1) >> 20
    return max(16, mebibytes) << 20
  }

  func run(
    if condition: PutCondition, _ source: Source
  ) throws(ObjectStoreError) -> ObjectReceipt {
    guard size <= Self.mostBytes else {
      throw ObjectStoreError(.invalid, "larger than any object", object: name.description)
    }
    let id = try begin(copies: { if case .object = source { true } else { false } }())
    do throws(ObjectStoreError) {
      let parts = try sendParts(source, id)
      if case .content(let content) = source { try check(parts, are: content) }
      return try complete(parts, id, if: condition)
    } catch {
      // What is thrown is why. What cannot be given up now is removed by `removeUnfinished`.
      try? store.abort(key: store.key(name), id: id, within: Self.abortMilliseconds)
      throw error
    }
  }
}

// MARK: - Steps

extension S3Upload {
  /// As the profile has it, which anybody may change.
  private var partsAtOnce: Int { min(max(1, store.client.profile.partsAtOnce), 64) }
  var hasChecksums: Bool { store.client.profile.hasChecksums }

  private func begin(copies: Bool) throws(ObjectStoreError) -> String {
    var call = store.call(.post, name)
    call.query = [("uploads", "")]
    call.headers.set(Self.mark, nonce)
    if let storageClass { call.headers.set("x-amz-storage-class", storageClass.description) }
    if hasChecksums, !copies { call.headers.set("x-amz-checksum-algorithm", "CRC32C") }
    call.changes = true
    call.isComplete = { Self.id(in: $0) != nil }
    do throws(ObjectStoreError) {
      guard let id = Self.id(in: try store.client.answer(to: call, cancellation).response) else {
        throw ObjectStoreError(.damaged, "no upload's name", object: name.description)
      }
      return id
    } catch {
      // One that was begun and is not known changes no object.
      guard error.code == .uncertain else { throw error }
      throw ObjectStoreError(.unavailable, error.message, object: error.object)
    }
  }

  private static func id(in response: HTTPResponse) -> String? {
    // The second name is rclone's.
    let roots: Set = ["InitiateMultipartUploadResult", "InitiateMultipartUpload"]
    let groups = XMLGroups(response.body, of: roots)
    let id = roots.compactMap { groups?[$0].first?["UploadId"] }.first
    return id.flatMap { $0.isEmpty ? nil : $0 }
  }

  private func sendParts(
    _ source: Source, _ id: String
  ) throws(ObjectStoreError) -> [Part] {
    let bytes = Self.partBytes(of: size)
    let count = Int((size + bytes - 1) / bytes)
    let queue = PartQueue(count, cancellation)
    return try queue.run(threads: partsAtOnce) {
      number throws(ObjectStoreError) in
      let start = UInt64(number) * bytes
      return try send(number + 1, start..<min(start + bytes, size), source, id)
    }
  }

  private func send(
    _ number: Int, _ range: Range<UInt64>, _ source: Source, _ id: String
  ) throws(ObjectStoreError) -> Part {
    var call = store.call(.put, name)
    call.query = [("partNumber", String(number)), ("uploadId", id)]
    call.shares = partsAtOnce
    switch source {
    case .content(let content):
      try call.send(content, range, checksum: hasChecksums)
      call.isComplete = { $0.headers["etag"] != nil }
    case .object(let address):
      call.headers.set("x-amz-copy-source", address)
      call.headers.set(
        "x-amz-copy-source-range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)")
      call.mayFailInside = true
      call.isWork = true
      call.isComplete = { Self.copiedTag($0) != nil }
    }
    let response = try store.client.answer(to: call, cancellation).response
    return Part(
      tag: response.headers["etag"] ?? Self.copiedTag(response) ?? "",
      bytes: range.upperBound - range.lowerBound, crc32c: call.crc32c)
  }

  /// Refuses parts that are, one behind the other, not what the content was when its checksum was taken: a
  /// manifest may name that, and the file it is of may go.
  private func check(
    _ parts: [Part], are content: ObjectContent
  ) throws(ObjectStoreError) {
    guard let expected = content.crc32c else { return }
    var sum = CRC32C()
    for part in parts { sum.append(checksum: part.crc32c ?? 0, count: part.bytes) }
    guard sum.value == expected else { throw .changed(name.description) }
  }

  private static func copiedTag(_ response: HTTPResponse) -> String? {
    XMLGroups(response.body, of: ["CopyPartResult"])?["CopyPartResult"].first?["ETag"]
  }
}
