import Testing
import VarveFormat
import VarvePlatform

@Suite("Aligned buffers")
struct AlignedBufferTests {
  @Test(arguments: [0, 1, 63, 4096, (1 << 20) - 1, 1 << 20, 5_000_001])
  func theyAreAlignedAndWholeAtEverySize(capacity: Int) {
    let buffer = AlignedBuffer(capacity: capacity)
    unsafe buffer.withMutableBytes { bytes in
      #expect(bytes.count == capacity)
      #expect(UInt(bitPattern: bytes.baseAddress) % 64 == 0)
      for index in 0..<capacity { unsafe bytes[index] = UInt8(index & 0xff) }
    }
    #expect(buffer.view().count == capacity)
    #expect(buffer.view(count: capacity / 2).count == capacity / 2)
    if capacity > 0 {
      #expect(buffer.view().byte(at: capacity - 1) == UInt8((capacity - 1) & 0xff))
    }
  }

  @Test func bytesAreCopiedToTheirPlace() {
    let buffer = AlignedBuffer(capacity: 4)
    [1, 2, 3, 4].withByteView { buffer.copy($0) }
    [9].withByteView { buffer.copy($0, to: 3) }
    [UInt8]().withByteView { buffer.copy($0, to: 4) }
    #expect(buffer.view().array == [1, 2, 3, 9])
    withExtendedLifetime(buffer) {}
  }
}
