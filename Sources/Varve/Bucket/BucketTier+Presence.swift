import VarveFormat
import VarveObjects
import VarvePlatform

// What a manifest names was there when it was committed. Before it is relied on, since the copy here goes, or a user
// asks for it to be safe, somebody looks.

extension BucketTier {
  /// Those of `files` whose copies are not there, or not of their size. A request for each, or a listing of all.
  func missing(_ files: [LocalFile]) throws(StoreError) -> [LocalFile] {
    let copies = known.head?.copies ?? [:]
    let named = files.compactMap { file in
      copies[file.key].map { (file, BucketLayout.file(BucketFile(file.kind, file.number, $0))) }
    }
    do throws(BucketError) {
      let isFew = named.count <= 1 + copies.count / 1000
      let sizes = isFew ? try asked(named.map(\.1)) : try BucketReader(objects).fileSizes()
      return named.filter { sizes[$0.1] != $0.0.size }.map(\.0)
    } catch {
      throw refusal(error)
    }
  }

  private func asked(_ names: [ObjectName]) throws(BucketError) -> [ObjectName: UInt64] {
    var sizes: [ObjectName: UInt64] = [:]
    for name in names {
      do throws(ObjectStoreError) { sizes[name] = try objects.status(of: name)?.size } catch {
        throw .request(error)
      }
    }
    return sizes
  }

  /// Throws where the place is not the store's bucket. Where only the object is gone that says so it is put back.
  func checkPlace(_ storeID: FileID) throws(StoreError) {
    do throws(BucketError) {
      let reader = BucketReader(objects)
      let identity = try reader.identity()
      if identity?.storeID == storeID { return }
      guard identity == nil, let head = known.head, try reader.holdsManifest(head.number) else {
        throw .request(
          ObjectStoreError(
            .unavailable,
            "there is no store where this one was put: is it the same bucket, is it there?"))
      }
      let content = ObjectContent(BucketIdentity(storeID: storeID, created: 0).encoded())
      do throws(ObjectStoreError) {
        _ = try objects.put(BucketLayout.store, content, if: .absent, class: nil)
      } catch {
        throw .request(error)
      }
    } catch {
      throw refusal(error)
    }
  }

  /// A copy that is nowhere any more.
  static func lost(_ file: LocalFile) -> StoreError {
    StoreError(
      .corrupted, "the copy in the bucket is missing or cut, and there is no good one here",
      file: file.name.description, structure: StoreError.wholeFile, offset: 0)
  }
}
