import Testing
import VarveFormat

/// Bytes that are handled whole where they are few.
@Suite struct ShortBytesTests {
  @Test func aSortPrefixIsTheFirstEightBytesFilledWithZeros() {
    for count in 0...12 {
      let bytes = (0..<count).map { UInt8(0xf0 - 7 * $0) }
      var expected: UInt64 = 0
      for index in 0..<8 { expected = expected << 8 | UInt64(index < count ? bytes[index] : 0) }
      #expect(bytes.withByteView { $0.sortPrefix } == expected, "\(count) bytes")
    }
  }

  @Test func aKeyIsThePrefixAndEverySuffixBehindIt() {
    let prefix: [UInt8] = [1, 2, 3]
    let room = UnsafeMutableRawPointer.allocate(byteCount: 43, alignment: 8)
    defer { unsafe room.deallocate() }
    for count in 0...40 {
      unsafe room.initializeMemory(as: UInt8.self, repeating: 0xee, count: 43)
      for (index, byte) in prefix.enumerated() {
        unsafe room.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
      }
      let keys = unsafe KeyRoom(unsafeStart: room, prefixCount: 3, capacity: 43)
      let suffix = (0..<count).map { UInt8(100 + $0) }
      let key = suffix.withByteView { keys.key(endingWith: $0)?.array }
      #expect(key == prefix + suffix, "\(count) bytes")
      let behind = (3 + count..<43).map { unsafe room.load(fromByteOffset: $0, as: UInt8.self) }
      #expect(behind.allSatisfy { $0 == 0xee }, "\(count) bytes")
    }
    let large = [UInt8](repeating: 9, count: 41)
    let keys = unsafe KeyRoom(unsafeStart: room, prefixCount: 3, capacity: 43)
    #expect(large.withByteView { keys.key(endingWith: $0) == nil })
  }

  @Test func aPointerIsReadBackAndEachFaultOfItIsNamed() throws {
    var writer = ByteWriter()
    let pointer = ValuePointer(
      file: 7, offset: 96, storedCount: 3000, fullCount: 3000, checksum: 0xdead_beef, codec: .none)
    pointer.encode(to: &writer)
    let sound = writer.bytes
    #expect(
      try sound.withByteView { view throws(FormatError) in try ValuePointer(decoding: view) }
        == pointer)
    func fault(_ change: (inout [UInt8]) -> Void) -> FormatError? {
      var bytes = sound
      change(&bytes)
      do throws(FormatError) {
        _ = try bytes.withByteView { view throws(FormatError) in
          try ValuePointer(decoding: view, at: 1000)
        }
        return nil
      } catch { return error }
    }
    #expect(fault { $0[28] = 9 } == FormatError(.valuePointer, .value("codec"), at: 1028))
    for place in 29..<32 {
      #expect(
        fault { $0[place] = 1 } == FormatError(.valuePointer, .value("reserved bytes"), at: 1029))
    }
    let lengths = FormatError(.valuePointer, .limit("value length"), at: 1016)
    #expect(fault { $0[16] = 1 } == lengths)
    #expect(fault { ($0[19], $0[23]) = (0x41, 0x41) } == lengths)
    #expect(fault { ($0[17], $0[28]) = (0xff, 1) } == lengths)
    #expect(fault { $0.append(0) } == FormatError(.valuePointer, .excess, at: 1032))
    #expect(fault { $0.removeLast() }?.fault == .truncated)
    #expect(fault { ($0[17], $0[28]) = (0, 1) } == nil)
  }
}
