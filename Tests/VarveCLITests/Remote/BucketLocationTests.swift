import Testing

@testable import VarveCLI

@Suite struct BucketLocationTests {
  @Test(arguments: [
    ("s3://b/p", "s3://b/p?endpoint=http://e&region=r"),
    ("s3://b/p?addressing=path", "s3://b/p?addressing=path&endpoint=http://e&region=r"),
  ])
  func optionsFollowWhatThePlaceSaysItself(_ text: String, _ expected: String) {
    #expect(BucketLocation(text, endpoint: "http://e", region: "r").text == expected)
  }

  @Test func aDirectoryIsNamedFromTheRoot() {
    #expect(BucketLocation("/mnt/bucket").text == "/mnt/bucket")
    #expect(BucketLocation("bucket").text == "\(SystemCalls.workingDirectory ?? "")/bucket")
  }
}
