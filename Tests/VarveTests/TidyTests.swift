import Glibc
import Testing

/// The rules of the house that the compiler does not hold.
@Suite struct TidyTests {
  private static let root: String = {
    var parts = #filePath.split(separator: "/")
    parts.removeLast(3)
    return "/" + parts.joined(separator: "/")
  }()

  /// What each target may import besides the standard library; the order of the layers.
  private static let imports: [String: Set<String>] = [
    "VarveFormat": ["CVarveShims"],
    "VarvePlatform": ["CVarveShims", "VarveFormat", "Synchronization", "Glibc", "Musl", "Darwin"],
    "VarveObjects": ["VarveFormat", "VarvePlatform", "Synchronization"],
    "VarveS3": [
      "CVarveShims", "CVarveCurl", "VarveFormat", "VarveObjects", "VarvePlatform", "Glibc", "Musl",
      "Darwin",
    ],
    "VarveSimulation": ["VarveFormat", "VarveObjects", "VarvePlatform", "Synchronization"],
    "Varve": [
      "CVarveShims", "CVarveLZ4", "CVarveZstd", "VarveFormat", "VarveObjects", "VarvePlatform",
      "Synchronization",
    ],
    "VarveCLI": [
      "CVarveShims", "Varve", "VarveS3", "VarveFormat", "VarvePlatform", "Synchronization", "Glibc",
      "Musl", "Darwin",
    ],
  ]

  /// The lines of every Swift file of a target, comments cut off.
  private static func lines(of target: String) -> [(place: String, code: Substring)] {
    var found: [(String, Substring)] = []
    for path in files(below: "\(root)/Sources/\(target)") {
      for (index, line) in text(of: path).split(separator: "\n", omittingEmptySubsequences: false)
        .enumerated()
      {
        let code = line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line
        found.append(("\(path.dropFirst(root.count + 1)):\(index + 1)", code))
      }
    }
    return found
  }

  @Test(arguments: imports.keys.sorted())
  func aTargetImportsOnlyWhatStandsAboveIt(_ target: String) throws {
    let lines = Self.lines(of: target)
    #expect(lines.count > 100)
    let allowed = try #require(Self.imports[target])
    for (place, code) in lines {
      let words = code.split(separator: " ")
      guard let index = words.firstIndex(of: "import"), index + 1 < words.count, index <= 1,
        !code.contains("\"")
      else {
        continue
      }
      #expect(allowed.contains(String(words[index + 1])), "\(place): \(code)")
    }
  }

  @Test(arguments: [
    "VarveFormat", "VarvePlatform", "VarveObjects", "VarveS3", "Varve", "VarveSimulation",
  ])
  func nothingReachesTheWorldPastThePlatform(_ target: String) {
    for (place, code) in Self.lines(of: target) {
      for word in Self.worldly { #expect(!code.contains(word), "\(place): \(word)") }
    }
  }

  /// Other ways to time, threads, chance and output than those of VarvePlatform.
  private static let worldly = [
    "try!", "as!", "Foundation", "Date()", "Task.sleep", "Task {", "Task.detached", "Dispatch",
    " print(", "ContinuousClock", "SuspendingClock", "SystemRandomNumberGenerator", ".random(",
    ".shuffled(", "randomElement",
  ]

  /// What decodes never traps. What builds bytes may check what its caller, our own code, owes it.
  @Test func nothingThatDecodesTraps() {
    let builders = ["Builder", "Encod", "Framer", "Heap", "ManifestFields"]
    let traps = [
      "fatalError(", "precondition(", "preconditionFailure(", "assert(", "assertionFailure(",
      "try!", "as!", "unowned",
    ]
    var seen = 0
    for (place, code) in Self.lines(of: "VarveFormat")
    where !builders.contains(where: { place.contains($0) }) {
      seen += 1
      for trap in traps { #expect(!code.contains(trap), "\(place): \(trap)") }
      #expect(!Self.forcesUnwrapping(code), "\(place): \(code)")
    }
    #expect(seen > 2_000)
  }

  /// Whether an exclamation mark stands behind a value: not before one, nor in an inequality.
  private static func forcesUnwrapping(_ code: Substring) -> Bool {
    let characters = Array(code)
    return characters.indices.dropFirst().contains { index in
      guard characters[index] == "!" else { return false }
      let (before, after) = (characters[index - 1], characters.dropFirst(index + 1).first)
      return (before.isLetter || before.isNumber || ")]".contains(before)) && after != "="
    }
  }

  @Test func theRulesSeeWhatTheyForbid() {
    let lines = Self.lines(of: "VarvePlatform")
    #expect(lines.contains { $0.code.contains("import Glibc") })
    #expect(Self.forcesUnwrapping("return values.first!") && Self.forcesUnwrapping("f()!.g"))
    #expect(!Self.forcesUnwrapping("if !isReady && a != b, c!=d"))
  }
}

// MARK: - Files

private func files(below directory: String) -> [String] {
  guard let stream = unsafe opendir(directory) else { return [] }
  defer { unsafe closedir(stream) }
  var found: [String] = []
  while let entry = unsafe readdir(stream) {
    let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
      unsafe String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
    }
    guard !name.hasPrefix(".") else { continue }
    if name.hasSuffix(".swift") {
      found.append("\(directory)/\(name)")
    } else {
      found += files(below: "\(directory)/\(name)")
    }
  }
  return found.sorted()
}

/// What a file of the sources says.
func text(of path: String) -> String {
  guard let file = unsafe fopen(path, "r") else { return "" }
  defer { unsafe fclose(file) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = unsafe fread(&buffer, 1, buffer.count, file)
    guard count > 0 else { break }
    bytes += buffer[..<count]
  }
  return String(decoding: bytes, as: UTF8.self)
}
