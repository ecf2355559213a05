import VarveFormat
import VarveTestSupport

// What the decoders make of the objects of a bucket.

extension FileID {
  fileprivate var json: JSON { [.number(low), .number(high)] }
}

extension BucketIdentity {
  var json: JSON { .object([("store_id", storeID.json), ("created", .number(created))]) }
}

extension BucketPin {
  var json: JSON {
    .object([
      ("store_id", storeID.json), ("manifest", .number(manifest)),
      ("pin", .number(UInt64(kind.rawValue))), ("expires", .number(expires)),
      ("nonce", nonce.json),
    ])
  }
}

extension BucketManifest {
  var json: JSON {
    .object([
      ("number", .number(number)), ("predecessor_digest", .hex(predecessorDigest)),
      ("epoch", .number(epoch)), ("writer", writer.json), ("nonce", nonce.json),
      ("server_time", .number(serverTime)), ("log_floor", .number(logFloor)),
      ("version", version.json), ("objects", .list(objects.map { .object($0.members) })),
      ("garbage", .list(garbage.map(\.json))),
    ])
  }
}

extension BucketObject {
  var members: [(String, JSON)] {
    [("epoch", .number(epoch)), ("digest", .hex(digest)), ("tail", .number(tailBytes))]
  }
}

extension BucketGarbage {
  var json: JSON {
    .object(file.members + file.object.members + [("since", .number(since))])
  }
}

extension BucketFile {
  fileprivate var members: [(String, JSON)] {
    [("kind", .text(kind == .segment ? "segment" : "values")), ("number", .number(number))]
  }
}

extension BucketLog {
  var json: JSON {
    get throws {
      var batches: [JSON] = []
      for batch in self.batches {
        let entries = try BatchItem.decode(batch.payload)
        batches.append(
          .object([
            ("first", .number(batch.first.rawValue)), ("entries", .list(entries.map(\.json))),
          ]))
      }
      return .object([
        ("store_id", storeID.json), ("number", .number(number)), ("epoch", .number(epoch)),
        ("writer", writer.json), ("nonce", nonce.json), ("batches", .list(batches)),
      ])
    }
  }
}

extension BucketTie {
  var json: JSON {
    .object([
      ("store_id", storeID.json), ("location", .text(location)),
      ("writers", .list(writers.map(\.json))), ("state", .number(UInt64(state.rawValue))),
      ("head", head?.json ?? .nothing),
      (
        "apart_since",
        apartSince.map { [.number($0.manifest), .number($0.last.rawValue)] } ?? .nothing
      ),
      (
        "uploads",
        .list(
          uploads.map { upload in
            .object(upload.file.members + [("id", upload.id.json)] + upload.file.object.members)
          })
      ),
    ])
  }
}
