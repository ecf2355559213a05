import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

/// A store is not made among files that are not its own: whoever names such a directory has named the
/// wrong one.
@Suite struct ForeignDirectoryBehaviourTests {
  private static let foreign = [
    ["notes.txt"], [".profile"], ["log"], ["manifest-1"], ["lock.old"],
    ["values.new"],
    // Of a store that could not be made here, or was removed.
    [FileName.lock, "notes.txt"],
    [FileName.lock, "manifest-0000000000000001.new", "notes.txt"],
  ]

  @Test(arguments: FileSystemKind.allCases, foreign)
  func noStoreIsMadeAmongOtherFiles(on kind: FileSystemKind, _ names: [String]) throws {
    try kind.withTestedStore { tested in
      for name in names { try tested.replace(name, [1, 2, 3]) }
      let before = Set(try tested.directory.names())
      for access in [StoreOptions.Access.readWrite, .readOnly] {
        let error = try storeFailure { _ = try tested.open { $0.access = access } }
        #expect(error?.code == (access == .readWrite ? .notEmpty : .notFound))
        #expect(error?.file == tested.path)
        #expect(Set(try tested.directory.names()) == before)
        for name in names { #expect(try tested.bytes(name) == [1, 2, 3]) }
      }
      let error = try storeFailure { _ = try tested.open { $0.createIfMissing = false } }
      #expect(error?.code == .notFound)
      #expect(Set(try tested.directory.names()) == before)
    }
  }

  /// A store may have a volume for itself.
  @Test(arguments: FileSystemKind.allCases)
  func whatTheFileSystemKeepsAtItsRootIsNoHindrance(on kind: FileSystemKind) throws {
    try kind.withTestedStore { tested in
      try tested.replace("lost+found", [])
      let store = try tested.open()
      try store.put("key", [1])
      try store.close()
      #expect(try tested.bytes("lost+found") == [])
      let again = try tested.open()
      #expect(try again.main().value(for: "key") == [1])
      try again.close()
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func whatACrashLeavesOfAMakingIsNoHindrance(on kind: FileSystemKind) throws {
    let lock = FileName.lock
    let temporary = FileName.temporary(FileName(.manifest, 1))
    for names in [[lock], [lock, temporary], [temporary], []] {
      try kind.withTestedStore { tested in
        for name in names { try tested.replace(name, name == lock ? [] : [1, 2, 3]) }
        let store = try tested.open()
        try store.put("key", [1])
        try store.close()
        #expect(try tested.directory.status(of: temporary) == nil)
        #expect(try tested.reopenedContent() == ["key": [1]])
      }
    }
  }
}
