import VarveFormat
import VarvePlatform

final class ValueFileWriter: Sendable {
  static func create(number: UInt64, id: FileID, in directory: any Directory) throws(StoreError)
    -> ValueFileWriter
  { fatalError() }
  func append(_ value: ByteView, alignment: Int, compression: Compression) throws(StoreError)
    -> ValuePointer
  { fatalError() }
  var end: UInt64 { 0 }
  var isDurable: Bool { true }
  func sync() throws(StoreError) {}
  func seal() throws(StoreError) -> ValueFileRecord { fatalError() }
}
final class ValueAccess: Sendable {
  init(directory: any Directory, options: StoreOptions, derived: DerivedOptions) {}
  func add(growing: ValueFileWriter) {}
  func settle(_ r: ValueFileRecord) {}
  func resolve(_ p: ValuePointer) throws(StoreError) -> ResolvedValue { fatalError() }
  func isWhole(_ p: ValuePointer) -> Bool { true }
  func cut(_ number: UInt64, to: UInt64, count: UInt64, bytes: UInt64) throws(StoreError)
    -> ValueFileRecord
  { fatalError() }
  func closeAll() {}
}
extension Engine {
  func compactOnce() throws(StoreError) -> Bool { false }
  func compactAll() throws(StoreError) {}
  var spaceNeededToCompact: UInt64 { 0 }
}
