import Testing
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

@Suite struct StoreBasicsTests {
  @Test(arguments: FileSystemKind.allCases)
  func whatWasPutIsReadBackBeforeAndAfterReopening(on kind: FileSystemKind) throws {
    try kind.withStores { open in
      var store = try open()
      let packages = try store.keyspace("packages")
      try packages.put("bash", "GNU Bourne Again SHell")
      try packages.put("zsh", "The Z shell", durability: .buffered)
      try packages.put("empty", "")
      try packages.put("", "the empty key")
      try packages.delete("zsh")
      for round in 0..<3 {
        let packages = try #require(try store.existingKeyspace("packages"))
        #expect(
          try packages.value(for: "bash").map { String(decoding: $0, as: UTF8.self) }
            == "GNU Bourne Again SHell", "round \(round)")
        #expect(try packages.value(for: "zsh") == nil)
        #expect(try packages.value(for: "empty") == [])
        #expect(try packages.size(ofValueFor: "") == 13)
        #expect(try packages.contains("absent") == false)
        if round == 1 { try store.flush() }
        try store.close()
        store = try open()
      }
      try store.close()
    }
  }
}
