import Varve
import VarveFormat

/// Dumps an object that Varve makes in a bucket, or what a store knows of its bucket: the frame, then the
/// body.
///
/// A body has one checksum, so that a flaw in it hides the rest; only the version within a manifest has one
/// of its own.
struct BucketDump {
  let writer: DumpWriter
  private let bytes: ByteView
  private let name: String
  /// What the name says, and the frame where it can be read.
  private let place: ObjectPlace?
  private let frame: ObjectFrame?
  private let flaw: FormatError?

  /// Nil where neither the first bytes nor the name are those of such an object.
  init?(_ writer: DumpWriter, _ bytes: ByteView, _ name: String) {
    place = ObjectPlace(parsing: name)
    guard ObjectFrame.begins(bytes) || place != nil && FileName.Kind.recognise(bytes) == nil else {
      return nil
    }
    do throws(FormatError) {
      frame = try ObjectFrame(heading: bytes)
      flaw = nil
    } catch {
      (frame, flaw) = (nil, error)
    }
    (self.writer, self.bytes, self.name) = (writer, bytes, name)
  }

  /// What it is: by its frame, or by its name where that is damaged.
  private var kind: ObjectFrame.Kind? { frame?.kind ?? place?.kind }

  func run() {
    writer.begin(name, size: UInt64(bytes.count), kind: Self.title(of: kind))
    guard let frame else {
      if let flaw { writer.damage(flaw) }
      return showVersion()
    }
    writer.write(.frame(frame))
    // A file of another kind has this name, or an object of another kind.
    if FileName(parsing: name) != nil { writer.damage(FormatError(.fileHeader, .magic, at: 0)) }
    if let named = place?.kind, named != frame.kind {
      writer.damage(FormatError(.bucketObject, .value("kind"), at: 10))
    }
    do throws(FormatError) {
      try showBody(frame)
    } catch {
      writer.damage(error)
      showVersion()
    }
  }

  static func title(of kind: ObjectFrame.Kind?) -> String {
    switch kind {
    case .store: "bucket identity"
    case .manifest: "bucket manifest"
    case .pin: "bucket pin"
    case .tie: "bucket file"
    case .log: "bucket log"
    case nil: "bucket object"
    }
  }
}

// MARK: - Bodies

extension BucketDump {
  private static let bodyStart = UInt64(ObjectFrame.byteCount)

  private func showBody(_ frame: ObjectFrame) throws(FormatError) {
    let number = place?.number ?? frame.number
    switch frame.kind {
    case .store: writer.write(item(try BucketIdentity(decoding: bytes)))
    case .pin: writer.write(item(try BucketPin(decoding: bytes)))
    case .manifest:
      BucketManifestDump(writer: writer, object: bytes).show(
        try BucketManifest(decoding: bytes, named: number))
    case .log:
      BucketLogDump(writer: writer).show(try BucketLog(decoding: bytes, named: number), bodyBytes)
    case .tie:
      BucketTieDump(writer: writer, file: bytes).show(try BucketTie(decoding: bytes), bodyBytes)
    }
  }

  /// The version in a damaged manifest, where that is whole.
  private func showVersion() {
    guard kind == .manifest else { return }
    BucketManifestDump(writer: writer, object: bytes).showVersion()
  }

  /// Of an object whose frame holds.
  private var bodyBytes: UInt64 { UInt64(bytes.count) - Self.bodyStart - 4 }

  private func item(_ identity: BucketIdentity) -> DumpItem {
    var item = DumpItem("identity", at: Self.bodyStart, length: bodyBytes)
    item.add("created", identity.created)
    return item
  }

  private func item(_ pin: BucketPin) -> DumpItem {
    var item = DumpItem("pin", at: Self.bodyStart, length: bodyBytes)
    item.add("kind", "\(pin.kind)")
    item.add("manifest", pin.manifest)
    if pin.expires != 0 { item.add("expires", pin.expires) }
    item.add("nonce", pin.nonce)
    return item
  }
}

extension DumpItem {
  static func frame(_ frame: ObjectFrame) -> DumpItem {
    var item = DumpItem("frame", at: 0, length: UInt64(ObjectFrame.byteCount))
    item.add("kind", BucketDump.title(of: frame.kind))
    item.add("version", ObjectFrame.currentVersion)
    item.add("number", frame.number)
    item.add("store", frame.storeID)
    return item
  }
}
