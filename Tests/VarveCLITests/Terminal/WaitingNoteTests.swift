import Testing
import Varve
import VarveTestSupport

@testable import VarveCLI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What is said while a bucket does not answer.
@Suite("Waiting for the bucket") struct WaitingNoteTests {
  /// A thousandth of what people are asked to wait for.
  private static let pace = WaitingNote.Pace(
    terminalNanoseconds: 3_000_000, plainNanoseconds: 5_000_000, lookNanoseconds: 1_000_000)

  private static func rest(milliseconds: UInt32) { usleep(milliseconds * 1_000) }

  @Test("knows for how long nothing has moved")
  func knowsHowLong() {
    var watch = WaitingWatch()
    #expect(watch.quiet(at: 7) == nil)
    watch.begin(at: 10)
    #expect(watch.quiet(at: 10) == 0)
    #expect(watch.quiet(at: 14) == 4)
    // A second call does not make the first one younger; an answer does.
    watch.begin(at: 15)
    #expect(watch.quiet(at: 16) == 6)
    watch.end(at: 17)
    #expect(watch.quiet(at: 19) == 2)
    watch.move(at: 20)
    #expect(watch.quiet(at: 21) == 1)
    watch.end(at: 22)
    #expect(watch.quiet(at: 100) == nil)
    watch.begin(at: 200)
    #expect(watch.quiet(at: 201) == 1)
  }

  @Test("draws a line on a terminal and takes it away")
  func draws() throws {
    let captured = CapturedOutput(isTerminal: true)
    let note = WaitingNote(captured.messages, pace: Self.pace)
    note.during { Self.rest(milliseconds: 50) }
    Self.rest(milliseconds: 20)
    note.close()
    let text = try captured.lines().joined(separator: "\n")
    #expect(text.contains("\rwaiting for the bucket (0 s)\u{1b}[K"), "\(text)")
    #expect(text.hasSuffix("\r\u{1b}[K"), "\(text)")
  }

  @Test("says one line, once, where it is no terminal")
  func saysOnce() throws {
    let captured = CapturedOutput()
    let note = WaitingNote(captured.messages, pace: Self.pace)
    for _ in 0..<2 { note.during { Self.rest(milliseconds: 50) } }
    note.close()
    #expect(try captured.lines() == ["waiting for the bucket (0 s)"])
  }

  @Test("says nothing while something moves, nor where nobody waits")
  func staysSilent() throws {
    let captured = CapturedOutput()
    let pace = WaitingNote.Pace(plainNanoseconds: 1_000_000_000, lookNanoseconds: 1_000_000)
    let note = WaitingNote(captured.messages, pace: pace)
    note.during {
      for _ in 0..<12 {
        Self.rest(milliseconds: 100)
        note.move()
      }
    }
    Self.rest(milliseconds: 20)
    note.close()
    WaitingNote(captured.messages).close()
    #expect(try captured.lines() == [])
  }

  @Test("watches every call of a bucket that a command opens")
  func watchesBuckets() throws {
    try withTemporaryDirectory { path in
      let captured = CapturedOutput()
      let note = WaitingNote(captured.messages, pace: Self.pace)
      defer { note.close() }
      let place = BucketLocation("\(path)/bucket")
      let plain = try place.objectStore(create: true)
      #expect(!(plain is WatchedObjectStore))
      let bucket = try WaitingNote.$current.withValue(note) { try place.objectStore() }
      #expect(bucket is WatchedObjectStore && bucket.location == plain.location)
      let name = try #require(ObjectName("a/b"))
      let slow = ObjectContent(count: 3) { _ throws(ObjectStoreError) in
        Self.rest(milliseconds: 50)
        return [1, 2, 3]
      }
      _ = try bucket.put(name, slow, if: .absent, class: nil)
      #expect(try captured.lines().count == 1)
      #expect(try bucket.read(name, .suffix(count: 2)).bytes == [2, 3])
      #expect(try bucket.status(of: name)?.size == 3)
      #expect(try bucket.list("a/", after: nil, limit: 10).entries.map(\.name) == [name])
      try bucket.remove([name])
      #expect(try plain.status(of: name) == nil)
    }
  }
}
