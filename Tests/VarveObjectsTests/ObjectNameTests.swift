import Testing
import VarveObjects

@Suite struct ObjectNameTests {
  @Test(arguments: [
    "a", "store", "manifest/00000000000000000001", "seg/5f/0001-2-ab.x_y", "...", "a/...",
    String(repeating: "a", count: 512),
  ])
  func goodNamesAreNames(_ text: String) {
    #expect(ObjectName(text)?.description == text)
  }

  @Test(arguments: [
    "", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "A", "a b", "a+b", "ä", "a~", "a\n",
    "a%2f", String(repeating: "a", count: 513),
  ])
  func badNamesAreNone(_ text: String) { #expect(ObjectName(text) == nil) }

  @Test func namesSortByBytes() throws {
    let texts = ["a-b", "a.b", "a/b", "a0", "a_b", "aa"]
    #expect(texts.compactMap { ObjectName($0) }.shuffled().sorted().map(\.description) == texts)
  }
}
