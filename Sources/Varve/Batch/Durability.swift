/// When a write returns.
public enum Durability: Sendable {
  /// When it is on disk: it survives a power cut. Writers at the same time share one sync.
  case synced
  /// When the operating system has it: it survives the end of the process, not a power cut.
  case buffered
}
