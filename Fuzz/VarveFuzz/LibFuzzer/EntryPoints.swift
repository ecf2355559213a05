import VarveFormat

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

// What libFuzzer, whose `main` this program has, calls by name.

/// Called once: takes what is ours from the command line, `TARGET WAY [libFuzzer's arguments]`.
@_cdecl("LLVMFuzzerInitialize")
public func beginFuzzing(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
) -> CInt {
  let words = CommandLine.arguments
  do {
    switch (words.dropFirst().first, words.count) {
    case ("list", 2): end(FuzzTarget.all.map(\.name).joined(separator: "\n"))
    case ("seeds", 3):
      try Seeds.write(to: words[2])
      end("")
    case (let target?, 3...) where FuzzTarget.named(target) != nil:
      Session.choose(target: target, way: words[2])
      // The two words behind the name of the program go, and a flag comes: before those on the
      // command line, which count for more.
      let most = FuzzTarget.named(target)?.maximumBytes ?? 0
      unsafe arguments.pointee[1] = unsafe arguments.pointee[0]
      unsafe arguments.pointee[2] = unsafe strdup("-max_len=\(most)")
      unsafe arguments.pointee += 1
      unsafe count.pointee -= 1
    default: break
    }
  } catch {
    end("\(error)", status: 1)
  }
  if Session.current == nil {
    end("VarveFuzz list | seeds DIRECTORY | TARGET checked|resigned|off [-runs=N ...]", status: 2)
  }
  return 0
}

private func end(_ text: String, status: Int32 = 0) {
  print(text)
  exit(status)
}

/// Called for every input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  unsafe Session.current?.run(
    ByteView(unsafeBuffer: UnsafeRawBufferPointer(start: bytes, count: count)))
  return 0
}

/// Called where an input is to be changed.
@_cdecl("LLVMFuzzerCustomMutator")
public func fuzzChangedInput(
  _ bytes: UnsafeMutablePointer<UInt8>?, _ count: Int, _ limit: Int, _ seed: UInt32
) -> Int {
  guard let session = Session.current, let bytes = unsafe bytes else { return count }
  let input = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
  var change = Change(seed: seed, limit: limit)
  let changed = session.changed(input, by: &change)
  let used = min(changed.count, limit)
  for index in 0..<used { unsafe bytes[index] = changed[index] }
  return used
}
