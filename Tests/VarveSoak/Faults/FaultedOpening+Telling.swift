import Varve
import VarveSimulation
import VarveTestSupport

// What is told of a bucket, and of a store that has one, without opening it. It changes nothing.

extension FaultedOpening {
  static func tellingOfBuckets(_ store: FaultedStore) -> [FaultedOpening] {
    [
      telling("bucketUsage", store) { _, objects in
        try usage(in: objects)
      },
      telling("bucketUsage, of the store in a directory", store) { machine, objects in
        try usage(in: objects, ofStoreAt: "store", machine)
      },
      telling("bucketVersions", store) { _, objects in
        try SegmentStore.bucketVersions(in: objects).map { "\($0)" }
      },
      telling("bucketStatus of a closed store", store) { machine, _ in
        ["\(try SegmentStore.bucketStatus(ofStoreAt: "store", on: machine.disk) as Any)"]
      },
      telling("bucketLocation", store) { machine, _ in
        [try SegmentStore.bucketLocation(ofStoreAt: "store", on: machine.disk) ?? "none"]
      },
      verification("verify with the bucket, fast", store, .fast),
      verification("verify with the bucket, deep", store, .deep),
    ]
  }

  /// What is told must be what is told where nothing fails.
  private static func telling(
    _ name: String, _ store: FaultedStore,
    _ tell: @escaping @Sendable (CrashMachine, SimulatedObjectStore) throws -> [String]
  ) -> FaultedOpening {
    FaultedOpening(name: name, store: store, changesNothing: true) { machine, opening in
      let image = machine.killImage()
      guard let sound = image.connect(), let objects = machine.connect(opening) else {
        throw Violation("there is no bucket")
      }
      let wanted = try tell(image, sound)
      let told = try tell(machine, objects)
      guard told == wanted else { throw Violation("told is \(told), and not \(wanted)") }
      return nil
    }
  }

  private static func usage(
    in objects: SimulatedObjectStore, ofStoreAt path: String? = nil, _ machine: CrashMachine? = nil
  ) throws -> [String] {
    var usage: BucketUsage
    if let machine {
      usage = try SegmentStore.bucketUsage(in: objects, ofStoreAt: path, on: machine.disk)
    } else {
      usage = try SegmentStore.bucketUsage(in: objects)
    }
    // It goes by the time of day.
    usage.rate = nil
    return ["\(usage)"]
  }
}
