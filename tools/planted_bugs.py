"""Bugs that the campaigns must find: tools/soak planted puts each into a copy of the sources, one at a
time, builds, and runs the campaign that is to find it within its budget.

Each: what is wrong, the file, the text that is there, what stands in its place, the campaign.
"""

CRASH = ["crash", "--images", "40000"]
SWEEP = ["sweep", "--every", "499"]
FAULTS = ["faults"]

BUGS = [
    ("the tail rule: what headers behind a torn record say of the watermark is ignored",
     "Sources/VarveFormat/Log/LogSurvey.swift",
     "        watermark = max(watermark, header.watermark)\n",
     "",
     SWEEP),
    ("the checksum of a record's payload is ignored",
     "Sources/VarveFormat/Log/LogReader.swift",
     "guard sum.value == header.payloadChecksum else {",
     "guard sum.value == header.payloadChecksum || payload.count > 0 else {",
     SWEEP),
    ("checksums within a segment are ignored",
     "Sources/Varve/Segment/OpenSegment.swift",
     "    guard computed == stored else {",
     "    guard computed == stored || count > 0 else {",
     SWEEP),
    ("a delete is dropped while older versions lie deeper",
     "Sources/Varve/Compaction/DropRules.swift",
     "return mayHaveOlder ? waiting : nil",
     "return nil",
     CRASH),
    ("a compaction forgets the oldest snapshot",
     "Sources/Varve/Compaction/DropRules.swift",
     "snapshots = points.dropLast()",
     "snapshots = Array(points.dropLast().dropFirst())",
     CRASH),
    ("the number of a file that a crash left is used again",
     "Sources/Varve/Recovery/StoreOpening.swift",
     "FileNumbers(next: max(manifest.nextFileNumber, found.nextNumber))",
     "FileNumbers(next: manifest.nextFileNumber)",
     CRASH),
    ("a recovery does not ask whether a value was torn",
     "Sources/Varve/Recovery/StoreRecovery.swift",
     "return try engine.values.isWhole(pointer)",
     "return true",
     CRASH),
    ("the watermark covers a record before it is synced",
     "Sources/Varve/WriteAheadLog/WriteAheadLog.swift",
     "appender.watermark = durable",
     "appender.watermark = LogPosition(log: appender.log?.number ?? 0, offset: appender.end)",
     CRASH),
    ("a store goes on after a failed append or sync of its log",
     "Sources/Varve/WriteAheadLog/WriteAheadLog.swift",
     "    poison.set(because: StoreError(error))",
     "    StoreError(error)",
     FAULTS),
]
