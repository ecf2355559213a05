extension Arguments {
  var help: String {
    switch command {
    case .lines: Self.help
    case .scaling: Self.scalingHelp
    case .report: Self.reportHelp
    }
  }

  private static let help = """
    usage: peer-bench [--quick] [--rounds N] [--long-rounds N] [--scale X] [--only A,B] [--except A,B]
                      [--goals] [--engines A,B] [--compression none|default|both] [--data DIRECTORY]
                      [--dir DIRECTORY] [--json FILE] [--plot FILE] [--list]
           peer-bench report FILE.json...    table and plot of runs that were made before
           peer-bench scaling                what an operation costs as the store grows
           peer-bench report|scaling --help

    Varve beside RocksDB, LevelDB, LMDB and SQLite: the same operations on the same entries, turn by
    turn, each run in a process of its own. Prints a table with Varve's ratio to the best of the
    others and the goal of the line, and writes a plot. What fails is told at the end, and has no
    figure; a run that is broken off (Control-C) shows what it has.

      --quick            one round at a twentieth, without compression and LMDB-map: under three minutes
      --rounds N         times that every line is run by each engine, or ten times that; medians are
                         shown (3)
      --long-rounds N    the same for lines that take minutes (1)
      --scale X          share of the full size: 1 is 1,000,000 small and 200,000 large entries (1)
      --only A,B         only these lines: each by its whole name, by the name of its group, or by
                         what its name begins with
      --except A,B       not these
      --goals            only lines that are held to a goal
      --engines A,B      of varve, rocksdb, leveldb, lmdb, lmdb-map, sqlite; the first is compared with the rest
      --compression P    none: on no engine; default: each engine as it comes (both)
      --data DIRECTORY   adds lines with real records: packages.jsonl.zst and package-embeddings.*
      --dir DIRECTORY    where a fresh directory for the stores is made (/tmp)
      --json FILE        every figure of every round, a new file, written after each line
      --plot FILE        where the plot goes (peer-bench.svg)
      --list             shows the lines, what they measure and their goals, and runs nothing
    """

  private static let scalingHelp = """
    usage: peer-bench scaling [--quick] [--sizes 1M,10M] [--rounds N] [--engines A,B]
                              [--dir DIRECTORY] [--json FILE] [--plot FILE]

    What an operation costs as the store grows: nanoseconds for each engine and size, without
    compression. Prints a table and writes a plot.

      --quick            one round of 100k and 300k entries, without LMDB-map
      --sizes A,B        entries in the store, of 16 + 100 bytes: 500k, 10M (1M,10M)
      --rounds N         times that operations which only read are run; medians are shown (3)
      --engines A,B      of varve, rocksdb, leveldb, lmdb, lmdb-map, sqlite
      --dir DIRECTORY    where a fresh directory for the stores is made (/tmp)
      --json FILE        the figures, a new file, written after each operation
      --plot FILE        where the plot goes (peer-bench.svg)
    """

  private static let reportHelp = """
    usage: peer-bench report FILE.json... [--json FILE] [--plot FILE]

    Table and plot of lines that were measured before, in one run or in several: rounds of the same
    line in another file are further rounds of it.

      --json FILE        all of it in one file, a new one
      --plot FILE        where the plot goes (peer-bench.svg)
    """
}
