import Testing
import VarveFormat

@testable import VarveS3

@Suite struct HashTests {
  /// RFC 1321, A.5.
  @Test(arguments: [
    ("", "d41d8cd98f00b204e9800998ecf8427e"), ("a", "0cc175b9c0f1b6a831c399e269772661"),
    ("abc", "900150983cd24fb0d6963f7d28e17f72"),
    ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
    ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
    (
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
      "d174ab98d277d9f5a5611c2c9f419d9f"
    ),
    (String(repeating: "1234567890", count: 8), "57edf4a22be3c955ac49da2e2107b67a"),
  ])
  func digestsAreThoseOfRFC1321(_ text: String, _ digest: String) {
    #expect(ByteText.hexadecimal(MD5.digest(of: Array(text.utf8))) == digest)
  }

  /// Lengths around the ends of blocks, by Python's hashlib: one digest over the digests of "x" * n.
  @Test func digestsOfAllLengthsAreRight() {
    let all = (0..<200).flatMap { MD5.digest(of: [UInt8](repeating: 120, count: $0)) }
    #expect(ByteText.hexadecimal(MD5.digest(of: all)) == "236291006a2f1dc7b00bd978802ff8c6")
  }

  /// RFC 4231, 4.2 to 4.8 without the truncated one.
  @Test(arguments: [
    (
      [UInt8](repeating: 0x0b, count: 20), Array("Hi There".utf8),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    ),
    (
      Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    (
      [UInt8](repeating: 0xaa, count: 20), [UInt8](repeating: 0xdd, count: 50),
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
    ),
    (
      Array(1...25), [UInt8](repeating: 0xcd, count: 50),
      "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
    ),
    (
      [UInt8](repeating: 0xaa, count: 131),
      Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ),
    (
      [UInt8](repeating: 0xaa, count: 131),
      Array(
        ("This is a test using a larger than block-size key and a larger than block-size data."
          + " The key needs to be hashed before being used by the HMAC algorithm.").utf8),
      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
    ),
  ])
  func codesAreThoseOfRFC4231(_ key: [UInt8], _ message: [UInt8], _ code: String) {
    #expect(ByteText.hexadecimal(HMACSHA256.code(key: key, message)) == code)
  }

  /// RFC 4648, section 10.
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
    ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
  ])
  func base64IsThatOfRFC4648(_ text: String, _ encoded: String) {
    #expect(ByteText.base64(Array(text.utf8)) == encoded)
  }

  @Test func numbersTravelHighByteFirst() {
    // CRC-32C of "123456789" (RFC 3720, B.4), as AWS writes it.
    #expect(ByteText.base64(UInt32(0xe306_9283)) == "4waSgw==")
    #expect(ByteText.base64([0xfb, 0xff, 0xfe]) == "+//+")
  }

  /// Parts of all lengths, none too, in any number.
  @Test func checksumsOfPartsAreJoined() {
    let random = FakeRandom()
    let bytes = pattern(100_000)
    for _ in 0..<200 {
      let count = Int(random.next() >> 32) % bytes.count
      let cuts = (0..<Int(random.next() >> 32) % 9).map { _ in
        Int(random.next() >> 32) % (count + 1)
      }
      var joined = CRC32C()
      for (start, end) in zip([0] + cuts.sorted(), cuts.sorted() + [count]) {
        joined.append(checksum: Self.checksum(bytes[start..<end]), count: UInt64(end - start))
      }
      #expect(joined.value == Self.checksum(bytes[..<count]), "\(count), \(cuts)")
    }
  }

  /// Longer than a number of 32 bits says.
  @Test func checksumsOfLongPartsAreJoined() {
    let zeros = Self.checksum(ArraySlice([UInt8](repeating: 0, count: 1 << 20)))
    var mebibytes = CRC32C(continuing: 7)
    var long = CRC32C()
    for _ in 0..<5 << 10 {
      mebibytes.append(checksum: zeros, count: 1 << 20)
      long.append(checksum: zeros, count: 1 << 20)
    }
    var whole = CRC32C(continuing: 7)
    whole.append(checksum: long.value, count: 5 << 30)
    #expect(whole.value == mebibytes.value)
  }

  private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    Array(bytes).withByteView(CRC32C.checksum(of:))
  }
}
