import Varve
import VarveFormat

/// Dumps a manifest of a bucket: who committed it, the version in it, and where the version's files are.
struct BucketManifestDump {
  let writer: DumpWriter
  /// The whole object.
  let object: ByteView
  /// Where it begins in its file.
  var start: UInt64 = 0

  /// What stands before the version: digest, epoch, writer, nonce, server time, log floor, length.
  private static let fixedBytes = 32 + 8 + 16 + 16 + 8 + 8 + 4
  private static let versionStart = ObjectFrame.byteCount + fixedBytes

  /// The lines of the object, decoded.
  func show(_ manifest: BucketManifest) {
    writer.write(commit(manifest))
    show(manifest.version)
    for file in manifest.files { writer.write(item("copy", file)) }
    for garbage in manifest.garbage {
      var item = item("garbage", garbage.file)
      item.add("since", garbage.since)
      writer.write(item)
    }
  }

  /// The version in a damaged object, where that is whole: it has a checksum of its own.
  func showVersion() {
    guard let bytes = object.part(at: Self.versionStart, count: versionCount),
      let version = try? Manifest(decoding: bytes)
    else { return }
    show(version)
  }

  private var versionCount: Int { Int(object.uint32(at: Self.versionStart - 4) ?? 0) }

  private func show(_ version: Manifest) {
    ManifestDump(writer: writer).show(
      version, at: start + UInt64(Self.versionStart), size: UInt64(versionCount))
  }

  private func commit(_ manifest: BucketManifest) -> DumpItem {
    var item = DumpItem(
      "commit", at: start + UInt64(ObjectFrame.byteCount), length: UInt64(Self.fixedBytes))
    item.add("number", manifest.number)
    item.add("epoch", manifest.epoch)
    item.add("writer", manifest.writer)
    item.add("nonce", manifest.nonce)
    item.add("server time", manifest.serverTime)
    item.add("log floor", manifest.logFloor)
    item.add("predecessor", Hexadecimal.text(manifest.predecessorDigest))
    item.add("copies", manifest.objects.count)
    item.add("garbage", manifest.garbage.count)
    return item
  }

  private func item(_ kind: String, _ file: BucketFile) -> DumpItem {
    var item = DumpItem(kind, depth: 1)
    item.add("file", "\(file.name)")
    item.add("epoch", file.object.epoch)
    item.add("tail", file.object.tailBytes)
    item.add("sha256", Hexadecimal.text(file.object.digest))
    item.add("object", "\(BucketLayout.file(file))")
    return item
  }
}
