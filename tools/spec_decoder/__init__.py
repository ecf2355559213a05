"""An independent reader of Varve stores, written from format-spec/*.md alone.

It shares no code with the engine, so that the two can be held against each other: what one writes
the other must read, and what one refuses the other must refuse at the same place.

    primitives   errors, numbers, checksums, hashes, codecs      README.md
    directory    names, file header, keyspace record             directory.md
    log          records, batches, which logs are replayed       log.md
    manifest     the description of a version                    manifest.md
    segment      blocks, index, filter, properties, footer       segment.md
    values       value files and pointers                        value-file.md
    store        a whole directory: its live entries             all of them
    vectors      the test vectors
"""
