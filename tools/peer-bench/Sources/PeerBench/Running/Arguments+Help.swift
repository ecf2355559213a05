extension Arguments {
  static let help = """
    usage: peer-bench [--quick] [--rounds N] [--long-rounds N] [--scale X] [--only A,B] [--goals]
                      [--engines A,B] [--compression none|default|both] [--data DIRECTORY]
                      [--dir DIRECTORY] [--json FILE] [--plot FILE]
           peer-bench scaling [--sizes 1M,10M] [--engines A,B] [--dir DIRECTORY] [--plot FILE]

    Varve beside RocksDB, LevelDB, LMDB and SQLite: the same operations on the same entries, turn by
    turn, each run in a process of its own. Prints a table with Varve's ratio to the best of the
    others and the goal of the line, and writes a plot. `scaling` shows what an operation costs as
    the store grows.

      --quick            one round at a twentieth, without compression
      --rounds N         times that every line is run by each engine, or ten times that; medians are
                         shown (3)
      --long-rounds N    the same for lines that take minutes (1)
      --scale X          share of the full size: 1 is 1,000,000 small and 200,000 large entries (1)
      --only A,B         the lines A and B, or those whose name contains A or B
      --goals            lines that are held to a goal
      --engines A,B      of varve, rocksdb, leveldb, lmdb, sqlite; the first is compared with the rest
      --compression P    none: on no engine; default: each engine as it comes (both)
      --data DIRECTORY   adds lines with real records: packages.jsonl.zst and package-embeddings.*
      --dir DIRECTORY    where a fresh directory for the stores is made (/tmp)
      --json FILE        every figure of every round
      --plot FILE        where the plot goes (peer-bench.svg)
      --sizes 1M,10M     entries in the store, for scaling
    """
}
