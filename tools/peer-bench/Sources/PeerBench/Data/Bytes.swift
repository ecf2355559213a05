import Foundation

/// Bytes that the benchmark's data keeps alive while it runs.
typealias Bytes = UnsafeRawBufferPointer

extension Bytes {
  /// For C interfaces that take text.
  var characters: UnsafePointer<CChar>? { baseAddress?.assumingMemoryBound(to: CChar.self) }

  func equals(_ other: Bytes) -> Bool {
    guard count == other.count, let own = baseAddress, let start = other.baseAddress else {
      return isEmpty && other.isEmpty
    }
    return memcmp(own, start, count) == 0
  }
}
