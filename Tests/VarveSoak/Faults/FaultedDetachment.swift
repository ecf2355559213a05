import Varve
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// A bucket is taken from a closed store of which everything is on its machine.
enum FaultedDetachment {
  static func opening(_ whole: FaultedStore) -> FaultedOpening {
    var store = whole
    store.reopen = { machine, opening in
      if try machine.disk.hasTie { return try machine.open(opening) }
      // It goes on by itself.
      return try CrashMachine(machine.disk).open(opening)
    }
    return FaultedOpening(name: "detach", store: store, check: check) { machine, _ in
      try SegmentStore.detachBucket(ofStoreAt: "store", on: machine.disk)
      return nil
    }
  }

  private static func check(_ machine: CrashMachine) throws {
    for image in [machine, machine.crashImage(.durableOnly)] where try image.disk.hasTie {
      throw Violation("the store still has its bucket")
    }
  }
}

extension SimulatedFileSystem {
  fileprivate var hasTie: Bool {
    get throws {
      try openDirectory(at: "store", create: false).status(of: FileName.bucket) != nil
    }
  }
}
