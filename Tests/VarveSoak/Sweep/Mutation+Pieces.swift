import VarveFormat

// Whole blocks and records where others belong: each is good by itself, and only what binds its checksum to
// file and place tells.

extension Mutation {
  /// Each two of equal length exchanged, and each put over the other.
  static func moves(within bytes: [UInt8]) throws -> [Mutation] {
    let pieces = try FilePiece.all(of: bytes)
    var moves: [Mutation] = []
    for (index, one) in pieces.enumerated() {
      for other in pieces.dropFirst(index + 1) where one.isLike(other) {
        moves += [
          .exchange(one.range, other.range), .copy(one.range, over: other.range),
          .copy(other.range, over: one.range),
        ]
      }
    }
    return moves
  }

  /// Each of another file in the place that it has there, where this file has one as long.
  static func grafts(onto bytes: [UInt8], from other: [UInt8], of origin: Origin) throws
    -> [Mutation]
  {
    let here = Set(try FilePiece.all(of: bytes))
    return try FilePiece.all(of: other).filter(here.contains).map {
      .graft($0.range, other, of: origin, isBody: $0.kind == .body)
    }
  }
}
