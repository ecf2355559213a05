import Varve
import VarveFormat

/// What to do about an error of the store, added to what happened.
enum StoreAdvice {
  static func text(for error: StoreError) -> String {
    guard let advice = advice(for: error) else { return error.description }
    return "\(error.description)\n  \(advice)"
  }

  private static func advice(for error: StoreError) -> String? {
    switch error.code {
    case .locked: "'varve dump' takes no lock: it shows the files of an open store"
    case .corrupted: repair(error)
    case .poisoned: "the store stopped writing after a failed write; open it again to recover"
    case .full: "make room on the disk and try again; what was committed is there"
    case .notFound where error.message.contains("is not whole in the bucket"):
      "a machine that has the files puts them again: 'varve remote upload'; else 'varve remote versions' shows"
        + " what there is, and 'varve remote restore --incomplete' takes what is left"
    case .notFound
    where error.message.contains("checkpoint") || error.message.contains("version "):
      "'varve remote versions' lists them"
    case .notFound where error.message.contains("nothing was put"): "'varve remote upload' puts it"
    case .notFound where error.message.contains("in the bucket"):
      "'varve remote attach' and 'varve remote upload' put one there"
    case .notFound where error.message.contains("make it first"): nil
    case .notFound: "only 'put' and 'import' make a store"
    case .exists where error.message.contains("holds another store"):
      "each store has a bucket of its own, or a prefix"
    case .exists where error.message.contains("a checkpoint of that name"): nil
    case .fenced where error.message.contains("--take-over"): nil
    case .fenced:
      "'varve remote restore' goes on with what is in the bucket, in another directory"
    case .incompatible: "a newer version of this program may be able to read it"
    default: nil
    }
  }

  private static func repair(_ error: StoreError) -> String {
    if let structure = error.structure, let advice = objectAdvice[structure] {
      return "\(advice); 'varve dump' shows what is left of it"
    }
    if let structure = error.structure, ofObjects.contains(structure) {
      return "'varve dump' shows what is left of it; restore the object from a copy"
    }
    guard !error.message.contains("in the bucket") else {
      return
        "'varve remote verify' compares all copies; with --repair it puts good ones in the place"
        + " of others"
    }
    return "'varve verify --deep' lists all damage, with --remote also of what lies in a bucket;"
      + " restore the file from a copy"
  }

  private static let objectAdvice = [
    FormatError.Structure.bucketPin.rawValue:
      "'varve remote checkpoint STORE NAME --delete' lets the checkpoint go",
    FormatError.Structure.bucketLog.rawValue:
      "the machine that wrote it has what it holds: 'varve remote attach --take-over' goes on there; 'varve remote"
      + " restore --version' goes back to what came before it",
    FormatError.Structure.bucketManifest.rawValue:
      "'varve remote versions' lists others, 'varve remote restore --version' goes back to one",
    FormatError.Structure.bucketTie.rawValue:
      "where all files are here: remove it, and 'varve remote attach --take-over' goes on",
  ]

  /// What stands in objects of a bucket, and in no file.
  private static let ofObjects = Set(
    [FormatError.Structure.bucketObject, .bucketManifest, .bucketPin, .bucketLog].map(\.rawValue))
}
