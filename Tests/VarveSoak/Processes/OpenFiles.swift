import Foundation

/// What of a directory this process has open or mapped, as Linux tells it; nothing elsewhere.
enum OpenFiles {
  static func first(below path: String) -> String? {
    let folder = (URL(filePath: path).resolvingSymlinksInPath().path) + "/"
    return descriptors().first { ($0 + "/").contains(folder) }
      ?? mappings().first { $0.contains(folder) }
  }

  private static func descriptors() -> [String] {
    let manager = FileManager.default
    let numbers = (try? manager.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    return numbers.compactMap { number in
      let file = try? manager.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")
      return file.map { "descriptor \(number) of \($0)" }
    }
  }

  private static func mappings() -> [String] {
    let text = try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8)
    return (text ?? "").split(separator: "\n").map { "mapping \($0)" }
  }
}
