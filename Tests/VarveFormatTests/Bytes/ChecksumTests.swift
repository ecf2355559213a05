import CVarveShims
import Testing
import VarveFormat
import VarveTestSupport

/// Published vectors, and the processor's instructions held to the portable code.
@Suite("Checksums and hashes")
struct ChecksumTests {
  /// RFC 3720, appendix B.4, and the customary check value.
  @Test("CRC-32C gives the published values")
  func crc32cVectors() {
    let ascending = [UInt8](0..<32)
    var readCommand = zeros(48)
    for (offset, byte) in [
      (0, 0x01), (1, 0xc0), (16, 0x14), (22, 0x04), (27, 0x14), (31, 0x18), (32, 0x28), (40, 0x02),
    ] { readCommand[offset] = UInt8(byte) }
    let vectors: [([UInt8], UInt32)] = [
      ([], 0), (Array("123456789".utf8), 0xe306_9283), (zeros(32), 0x8a91_36aa),
      ([UInt8](repeating: 0xff, count: 32), 0x62a8_ab43), (ascending, 0x46dd_794e),
      (ascending.reversed(), 0x113f_db5c), (readCommand, 0xd996_3a56),
    ]
    for (bytes, expected) in vectors {
      #expect(bytes.withByteView(CRC32C.checksum(of:)) == expected)
      #expect(unsafe varve_crc32c_portable(0, bytes, bytes.count) == expected)
    }
  }

  @Test("CRC-32C by instructions equals CRC-32C by tables at every length and alignment")
  func crc32cVariantsAgree() {
    var random = SeededRandom(seed: 0x5eed_0001)
    let bytes = random.bytes(30_000)
    bytes.withByteView { all in
      for count in Array(0...800) + [6143, 6144, 6145, 12_288, 29_000] {
        for offset in 0..<8 {
          let view = all.dropping(offset).prefix(count)
          let start = UInt32(truncatingIfNeeded: random.next())
          var sum = CRC32C(continuing: start)
          sum.append(view)
          let portable = unsafe varve_crc32c_portable(start, view.start, view.count)
          if sum.value != portable { Issue.record("differs at \(count) bytes, offset \(offset)") }
        }
      }
    }
  }

  @Test("CRC-32C of parts appended one after the other is that of the whole")
  func crc32cSplits() {
    var random = SeededRandom(seed: 0x5eed_0002)
    random.bytes(2000).withByteView { whole in
      let expected = CRC32C.checksum(of: whole)
      for cut in 0...whole.count {
        var sum = CRC32C()
        sum.append(whole.prefix(cut))
        sum.append(whole.dropping(cut))
        if sum.value != expected { Issue.record("differs when cut at \(cut)") }
      }
    }
  }

  @Test("CRC-32C of a number is that of its little-endian bytes")
  func crc32cNumbers() {
    var sum = CRC32C()
    sum.append(0x0807_0605_0403_0201 as UInt64)
    #expect(sum.value == [UInt8](1...8).withByteView(CRC32C.checksum(of:)))
  }

  /// FIPS 180-4 examples.
  @Test("SHA-256 gives the published values")
  func sha256Vectors() {
    let vectors: [([UInt8], String)] = [
      ([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      (Array("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8),
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
      (
        [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000),
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
      ),
    ]
    for (bytes, expected) in vectors {
      #expect(hexadecimal(bytes.withByteView(SHA256.digest(of:))) == expected)
      #expect(hexadecimal(portableDigest(bytes)) == expected)
    }
  }

  @Test("SHA-256 by instructions equals the portable one at every length, however it is split")
  func sha256VariantsAgree() {
    var random = SeededRandom(seed: 0x5eed_0003)
    let bytes = random.bytes(700)
    for count in 0..<700 {
      let part = Array(bytes.prefix(count))
      let expected = portableDigest(part)
      part.withByteView { view in
        var sum = SHA256()
        let cut = Int(random.next() % UInt64(count + 1))
        sum.append(view.prefix(cut))
        let fork = sum
        sum.append(view.dropping(cut))
        if sum.digest() != expected { Issue.record("differs at \(count) cut at \(cut)") }
        if sum.digest() != expected { Issue.record("asking twice differs at \(count)") }
        if fork.digest() != portableDigest(Array(part.prefix(cut))) {
          Issue.record("a copy saw later bytes at \(count)")
        }
      }
    }
  }

  /// The values of the specification's own test, whose input is a generated sequence.
  @Test("XXH64 gives the published values")
  func xxh64Vectors() {
    var generator: UInt64 = 2_654_435_761
    var sequence: [UInt8] = []
    for _ in 0..<222 {
      sequence.append(UInt8(truncatingIfNeeded: generator >> 56))
      generator = generator &* 11_400_714_785_074_694_797
    }
    let vectors: [([UInt8], UInt64)] = [
      ([], 0xef46_db37_51d8_e999), (Array("a".utf8), 0xd24e_c4f1_a98c_6e5b),
      (Array("abc".utf8), 0x44bc_2cf5_ad77_0999),
      (Array("123456789".utf8), 0x8cb8_41db_40e6_ae83),
      (Array(sequence.prefix(1)), 0xe934_a84a_db05_2768),
      (Array(sequence.prefix(4)), 0x9136_a0dc_a574_57ee),
      (Array(sequence.prefix(14)), 0x8282_dcc4_994e_35c8), (sequence, 0xb641_ae8c_b691_c174),
    ]
    for (bytes, expected) in vectors {
      #expect(bytes.withByteView(XXH64.hash(of:)) == expected)
    }
  }

  private func portableDigest(_ bytes: [UInt8]) -> [UInt8] {
    var context = varve_sha256()
    unsafe varve_sha256_start_portable(&context)
    unsafe varve_sha256_append(&context, bytes, bytes.count)
    var digest = zeros(32)
    unsafe varve_sha256_finish(&context, &digest)
    return digest
  }
}

private func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

private func hexadecimal(_ bytes: [UInt8]) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
