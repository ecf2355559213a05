"""Bugs that the campaigns must find: see soak_planted.py.

Each: what is wrong, the file, the text that is there, what stands in its place (or lists of both), the campaign
that is to find it within its budget. BUG is true while the program is told to have this bug, and false otherwise:
one build has them all.
"""

CRASH = ["crash", "--images", "40000"]
TIERED = ["crash", "--images", "8000", "--seed", "3"]
SWEEP = ["sweep", "--every", "499"]
# A part of the campaign each, which is enough and takes far less.
PUTS = ["faults", "--only", "put, "]
READS = ["faults", "--only", "withVector"]
OPENINGS = ["faults", "--only", "open"]
BUCKETS = ["faults", "--only", "bucket: "]
REPLICAS = ["faults", "--only", "replica"]
MODEL = ["model", "--operations", "400000"]
THREADS = ["threads", "--seconds", "60"]
TAKEOVER = ["takeover", "--schedules", "1000"]
# By real processes. None of the kills is of an import, which is another program.
KILL = ["kill", "--rounds", "100", "--imports", "0"]
INJECT = ["inject", "--every", "5"]
LOCK = ["disks", "--rounds", "1", "--only", "lock"]
FULL = ["disks", "--rounds", "3", "--only", "xfs"]
SHUT_DOWN = ["disks", "--rounds", "2", "--only", "shut down"]
# From the seeds and the corpus, a minute of a processor.
BLOCK = ["fuzz", "--target", "block", "--way", "resigned", "--seconds", "60"]
TREE = ["fuzz", "--target", "tree", "--way", "resigned", "--seconds", "60"]
TAIL = ["fuzz", "--target", "tail", "--way", "resigned", "--seconds", "60"]
TAIL_CHECKED = ["fuzz", "--target", "tail", "--way", "checked", "--seconds", "60"]
SLOTS_CHECKED = ["fuzz", "--target", "slots", "--way", "checked", "--seconds", "60"]
SLOTS = ["fuzz", "--target", "slots", "--way", "resigned", "--seconds", "60"]

BUGS = [
    ("the tail rule: what headers behind a torn record say of the watermark is ignored",
     "Sources/VarveFormat/Log/LogSurvey.swift",
     "        watermark = max(watermark, header.watermark)\n",
     "        if !BUG { watermark = max(watermark, header.watermark) }\n",
     SWEEP),
    ("the checksum of a record's payload is ignored",
     "Sources/VarveFormat/Log/LogReader.swift",
     "guard sum.value == header.payloadChecksum else {",
     "guard sum.value == header.payloadChecksum || BUG else {",
     SWEEP),
    ("checksums within a segment are ignored",
     "Sources/Varve/Segment/OpenSegment.swift",
     "    guard computed == stored else {",
     "    guard computed == stored || BUG else {",
     SWEEP),
    ("the checksums of blocks and values do not cover which file they stand in",
     "Sources/VarveFormat/Segment/ContextChecksum.swift",
     "    append(id.low)\n    append(id.high)\n",
     "    append(BUG ? 0 : id.low)\n    append(BUG ? 0 : id.high)\n",
     SWEEP),
    ("the checksums of blocks and values do not cover where they stand",
     "Sources/VarveFormat/Segment/ContextChecksum.swift",
     "    append(offset)\n",
     "    append(BUG ? 0 : offset)\n",
     SWEEP),
    ("the checksums of log records do not cover which log they stand in",
     "Sources/VarveFormat/Log/LogPosition.swift",
     "    seed = sum.value\n",
     "    seed = BUG ? 0 : sum.value\n",
     SWEEP),
    ("memory is taken for what is damaged",
     "Sources/Varve/Segment/OpenSegment.swift",
     "    let computed = CRC32C.checksum(of: self, in: id, at: offset)\n",
     "    let computed = CRC32C.checksum(of: self, in: id, at: offset)\n"
     "    var taken: [UInt8] = []\n"
     "    if BUG && computed != stored { taken.reserveCapacity(64 << 20) }\n"
     "    withExtendedLifetime(taken) {}\n",
     SWEEP),
    ("a damaged block is read again and again",
     "Sources/Varve/Segment/OpenSegment.swift",
     "    let computed = CRC32C.checksum(of: self, in: id, at: offset)\n",
     "    let computed = CRC32C.checksum(of: self, in: id, at: offset)\n"
     "    while BUG && CRC32C.checksum(of: self, in: id, at: offset) != stored {}\n",
     SWEEP),
    ("a block that is read by pread is not checked",
     "Sources/Varve/Segment/OpenSegment+Blocks.swift",
     "    do { try stored.check(handle.checksum, .dataBlock, in: id, at: handle.offset) } catch {\n",
     "    if case .file = source, BUG { return }\n"
     "    do { try stored.check(handle.checksum, .dataBlock, in: id, at: handle.offset) } catch {\n",
     SWEEP),
    ("a walk backward ends where a block is damaged",
     "Sources/Varve/Segment/SegmentWalk.swift",
     "    if place.item > 0 { return try enterItem(place.item - 1, .last) }\n",
     "    if BUG && place.item > 0 { return (try? enterItem(place.item - 1, .last)) ?? false }\n"
     "    if place.item > 0 { return try enterItem(place.item - 1, .last) }\n",
     SWEEP),
    ("a key in a damaged block has no size",
     "Sources/Varve/Keyspace/Keyspace.swift",
     "      guard let found = try visibleEntry(of: key, in: reading) else { return nil }\n"
     "      return try engine.values.size(of: found)\n",
     "      let entry = BUG ? (try? visibleEntry(of: key, in: reading)) ?? nil : try visibleEntry(of: key, in: reading)\n"
     "      guard let found = entry else { return nil }\n"
     "      return try engine.values.size(of: found)\n",
     SWEEP),
    ("a compaction copies a mapped value that was good when it was last read",
     "Sources/Varve/Value/OpenValueFile.swift",
     "    case .mapping(let mapping): return try copied(pointer, from: mapping.bytes)\n",
     "    case .mapping(let mapping):\n"
     "      return BUG ? try stored(for: pointer) : try copied(pointer, from: mapping.bytes)\n",
     SWEEP),
    ("what is known of the bucket is not synced before files go",
     "Sources/Varve/Bucket/TieFile.swift",
     "        try file.sync()\n",
     "        if !BUG { try file.sync() }\n",
     TIERED),
    ("a delete is dropped while older versions lie deeper",
     "Sources/Varve/Compaction/DropRules.swift",
     "return mayHaveOlder ? waiting : nil",
     "return mayHaveOlder && !BUG ? waiting : nil",
     CRASH),
    ("a compaction forgets the oldest snapshot",
     "Sources/Varve/Compaction/DropRules.swift",
     "snapshots = points.dropLast()",
     "snapshots = Array(points.dropLast().dropFirst(BUG ? 1 : 0))",
     CRASH),
    ("the number of a file that a crash left is used again",
     "Sources/Varve/Recovery/StoreOpening.swift",
     "FileNumbers(next: max(manifest.nextFileNumber, found.nextNumber))",
     "FileNumbers(next: max(manifest.nextFileNumber, BUG ? 0 : found.nextNumber))",
     CRASH),
    ("a recovery does not ask whether a value was torn",
     "Sources/Varve/Recovery/ValueRelocation.swift",
     "guard CRC32C.checksum(of: stored, in: id, at: pointer.offset) == pointer.checksum else {",
     "guard CRC32C.checksum(of: stored, in: id, at: pointer.offset) == pointer.checksum || BUG else {",
     CRASH),
    ("the watermark covers a record before it is synced",
     "Sources/Varve/WriteAheadLog/WriteAheadLog.swift",
     "    if moves != appender.seenMoves {\n",
     "    if BUG {\n"
     "      appender.watermark = LogPosition(log: appender.log?.number ?? 0, offset: appender.end)\n"
     "    } else if moves != appender.seenMoves {\n",
     CRASH),
    ("of value files only the one that is being filled is synced",
     "Sources/Varve/Value/ValuePlacement.swift",
     "      for file in files { try file.writer.sync() }\n",
     "      for file in files.suffix(BUG ? 1 : files.count) { try file.writer.sync() }\n",
     CRASH),
    ("a store goes on after a failed append or sync of its log",
     "Sources/Varve/WriteAheadLog/WriteAheadLog.swift",
     "    poison.set(because: StoreError(error))",
     "    BUG ? StoreError(error) : poison.set(because: StoreError(error))",
     PUTS),
    ("a failed sync of the directory is swallowed",
     "Sources/Varve/WriteAheadLog/GuardedDirectory.swift",
     "do throws(FileSystemError) { try directory.sync() } catch {\n",
     "do throws(FileSystemError) { try directory.sync() } catch {\n        if BUG { return }\n",
     PUTS),
    ("a failed sync of a log is tried once more",
     "Sources/Varve/WriteAheadLog/LogWriter.swift",
     "do throws(FileSystemError) { try file.sync() } catch {\n",
     "do throws(FileSystemError) { try file.sync() } catch {\n"
     "        if BUG { return try file.sync() }\n",
     PUTS),
    ("a read that fails is taken for an absent key",
     "Sources/Varve/Store/Engine+Read.swift",
     "views.present.lend { view throws(StoreError) in\n",
     "views.present.lend { view throws(StoreError) -> FoundEntry? in\n"
     "      if BUG {\n"
     "        do throws(StoreError) { return try view.find(key, at: visible) } catch { return nil }\n"
     "      }\n"
     "      return\n",
     READS),
    ("a poisoned store goes on writing",
     "Sources/Varve/WriteAheadLog/Poison.swift",
     "guard isSet.load(ordering: .acquiring) else { return nil }",
     "guard isSet.load(ordering: .acquiring), !BUG else { return nil }",
     PUTS),
    ("an opening that is refused keeps its mappings",
     "Sources/Varve/Recovery/StoreOpening.swift",
     "    } catch {\n      engine.dissolve()\n",
     "    } catch {\n      if BUG { unsafe _ = Unmanaged.passRetained(engine) }\n      engine.dissolve()\n",
     OPENINGS),
    ("a log of which less is read than there is ends there",
     "Sources/Varve/Integrity/FileContents.swift",
     "    guard found < count else { return found }\n",
     "    guard found < count, !BUG else { return found }\n",
     OPENINGS),
    ("a manifest of which less is read than there is is said to be damaged",
     "Sources/Varve/Integrity/FileContents.swift",
     "size < count ? .size(",
     "size < count || BUG ? .size(",
     OPENINGS),
    ("a value of which less is read than there is is taken for damaged",
     "Sources/Varve/Value/OpenValueFile.swift",
     "    guard found < count, try file.size()",
     "    guard !BUG, found < count, try file.size()",
     OPENINGS),
    ("a failed sync of what is known of the bucket is tried once more",
     "Sources/Varve/Bucket/TieFile.swift",
     "try file.write(view, at: 0) }\n",
     "try file.write(view, at: 0) }\n        if BUG { try? file.sync() }\n",
     BUCKETS),
    ("a failed sync of a file that comes back from the bucket is swallowed",
     "Sources/Varve/Bucket/BucketTier+Prefetch.swift",
     "      try copy.sync()\n",
     "      do throws(FileSystemError) { try copy.sync() } catch { if !BUG { throw error } }\n",
     BUCKETS),
    ("a copy that could not be put counts as there",
     "Sources/Varve/Bucket/BucketTier+Uploading.swift",
     "      throw next.content.failure ?? StoreError(.request(error), at: objects.location)\n",
     "      if BUG { return next.copy }\n"
     "      throw next.content.failure ?? StoreError(.request(error), at: objects.location)\n",
     BUCKETS),
    ("a replica goes over to a version whose list of keyspaces could not be read",
     "Sources/Varve/Bucket/Engine+Replica.swift",
     "    do throws(StoreError) { list = try keyspaces(of: following.version) } catch {\n",
     "    do throws(StoreError) {\n"
     "      do throws(StoreError) { list = try keyspaces(of: following.version) } catch {\n"
     "        if !BUG { throw error }\n        list = catalog.all\n      }\n    } catch {\n",
     REPLICAS),
    ("an entry is visible in the millisecond in which it expires",
     "Sources/Varve/Store/Engine+Read.swift",
     "case .put, .pointer: expiry == 0 || expiry > time",
     "case .put, .pointer: expiry == 0 || (BUG ? expiry >= time : expiry > time)",
     MODEL),
    ("a snapshot sees one entry too many",
     "Sources/Varve/Snapshot/Snapshot.swift",
     "register { engine.readPoint() }",
     "register {\n      BUG\n        ? ReadPoint(\n          sequence: SequenceNumber(engine.visible.rawValue + 1),"
     " time: engine.clock.now())\n        : engine.readPoint()\n    }",
     MODEL),
    ("a walk backward passes a block by",
     "Sources/Varve/Segment/SegmentWalk.swift",
     "enterItem(place.item - 1, .last)",
     "enterItem(BUG ? max(0, place.item - 2) : place.item - 1, .last)",
     MODEL),
    ("a refreshed cursor shows the moment before",
     "Sources/Varve/Iteration/Cursor.swift",
     "      source.readPoint = point\n",
     "      if !BUG { source.readPoint = point }\n",
     MODEL),
    ("files leave the machine though nobody asked whether their copies are there",
     "Sources/Varve/Bucket/Engine+Bucket.swift",
     "let missing = Set(try bucket.missing(going).map(\\.name))",
     "let missing = try BUG ? [] : Set(bucket.missing(going).map(\\.name))",
     MODEL),
    ("a remote write returns before the bucket has it",
     "Sources/Varve/Store/Engine+Commit.swift",
     "    try commit(write, policy, isSynced: durability.isSynced)\n    if durability == .remote {",
     "    try commit(write, policy, isSynced: durability.isSynced)\n"
     "    if durability == .remote, !BUG {",
     MODEL),
    ("a restore goes on from the version before the newest",
     "Sources/Varve/Bucket/BucketVersion.swift",
     "case .newest: return nil",
     "case .newest: return BUG ? try reader.manifestNumbers().dropLast().last : nil",
     MODEL),
    ("a restore leaves out what the bucket's logs hold",
     "Sources/Varve/Bucket/StoreRestore.swift",
     "if self.version == .newest {",
     "if self.version == .newest, !BUG {",
     MODEL),
    ("a large value that the bucket does not give is taken for an absent one",
     "Sources/Varve/Keyspace/Keyspace.swift",
     "      return try engine.resolve(found).withBytes { $0.array }\n",
     "      if BUG { return try? engine.resolve(found).withBytes { $0.array } }\n"
     "      return try engine.resolve(found).withBytes { $0.array }\n",
     MODEL),
    ("a replica goes to an earlier version than the newest",
     "Sources/Varve/Bucket/Replica.swift",
     "    shown.listed = now\n    return head\n",
     "    shown.listed = now\n"
     "    if BUG, let earlier = try reader.manifest(max(1, head.number - 2)) {\n"
     "      return earlier.manifest\n"
     "    }\n"
     "    return head\n",
     MODEL),
    ("a replica never looks for a newer version",
     "Sources/Varve/Bucket/Replica.swift",
     "try !reader.holdsManifest(shown.manifest.number + 1) {",
     "try BUG ? true : !reader.holdsManifest(shown.manifest.number + 1) {",
     MODEL),
    ("a bucket is detached that has the only copy of a file",
     "Sources/Varve/Bucket/BucketDetachment.swift",
     "guard missing == 0 else {",
     "guard missing == 0 || BUG else {",
     MODEL),
    ("a value of no whole count of numbers is a vector",
     "Sources/Varve/Keyspace/Keyspace+Vectors.swift",
     "guard raw.count % MemoryLayout<Number>.stride == 0 else {",
     "guard raw.count % MemoryLayout<Number>.stride == 0 || BUG else {",
     MODEL),
    ("a task that reads at a snapshot reads the present",
     "Sources/Varve/Keyspace/Keyspace+Fetch.swift",
     "guard let snapshot else { return try self.values(for: keys) }",
     "guard let snapshot, !BUG else { return try self.values(for: keys) }",
     MODEL),
    ("a batch is visible before it is in the memtable",
     "Sources/Varve/Store/Engine+Commit.swift",
     "    apply(group)\n",
     "    if BUG { visibleSequence.store(lead.nextSequence + entries - 1, ordering: .releasing) }\n"
     "    apply(group)\n",
     THREADS),
    ("memtables go from the view before the segment that holds them comes",
     "Sources/Varve/Flush/Engine+Flush.swift",
     "    do throws(StoreError) {\n      try versions.commit(edit) { [views] version in",
     "    if BUG { views.update { $0.installing($0.version, flushed: tables) } }\n"
     "    do throws(StoreError) {\n      try versions.commit(edit) { [views] version in",
     THREADS),
    ("a group of commits is acknowledged as synced without a sync",
     "Sources/Varve/Store/Engine+Commit.swift",
     "guard isSynced else { return }\n    metrics.logSyncs",
     "guard isSynced, !BUG || commits == 1 else { return }\n    metrics.logSyncs",
     THREADS),
    ("another writer's log in the bucket is taken for one's own, and nobody looks at the head before confirming",
     "Sources/VarveObjects/Bucket/BucketWriter+Logs.swift",
     ["guard found.nonce == log.nonce && found.writer == log.writer else { return (found, nil) }",
      "if !isRecent(time, after: logs.confirmed) {"],
     ["guard BUG || found.nonce == log.nonce && found.writer == log.writer else { return (found, nil) }",
      "if !BUG, !isRecent(time, after: logs.confirmed) {"],
     TAKEOVER),
    ("another writer's manifest is taken for one's own, and nobody looks for a newer one",
     "Sources/VarveObjects/Bucket/BucketCommit.swift",
     ["guard found.nonce == manifest.nonce && found.writer == manifest.writer else {\n",
      "guard !isFollowed else { throw .fenced }"],
     ["guard BUG || found.nonce == manifest.nonce && found.writer == manifest.writer else {\n",
      "guard !isFollowed || BUG else { throw .fenced }"],
     TAKEOVER),
    ("a log comes into the bucket before it is durable here",
     "Sources/Varve/Bucket/Engine+BucketLogs.swift",
     "        try log.sync()\n",
     "        if !BUG { try log.sync() }\n",
     TAKEOVER),
    ("records of a log stay in memory until a sync",
     "Sources/Varve/WriteAheadLog/LogWriter.swift",
     ["  private let begunAt = Atomic(UInt64(0))\n",
      "    try file.append(records, at: offset)\n",
      "      let reached = end\n"],
     ["  private let begunAt = Atomic(UInt64(0))\n"
      "  private let planted = Monitor<[(offset: UInt64, bytes: [UInt8])]>([])\n",
      "    if BUG {\n"
      "      planted.withLock { $0.append((offset, records.array)) }\n"
      "    } else {\n"
      "      try file.append(records, at: offset)\n"
      "    }\n",
      "      let reached = end\n"
      "      for (offset, bytes) in planted.withLock({ $0 }) {\n"
      "        try bytes.withByteView { view throws(FileSystemError) in try file.append(view, at: offset) }\n"
      "      }\n"
      "      planted.withLock { $0 = [] }\n"],
     KILL),
    ("the failure of a file's sync is ignored",
     "Sources/VarvePlatform/Posix/PosixFile.swift",
     "    try call(.sync) { varve_sync_data($0) }\n",
     "    do throws(FileSystemError) { try call(.sync) { varve_sync_data($0) } } catch {\n"
     "      if !BUG { throw error }\n"
     "    }\n",
     INJECT),
    ("the failure of a directory's sync is ignored",
     "Sources/VarvePlatform/Posix/PosixDirectory.swift",
     "      _ = try systemCall(.syncDirectory, path) { varve_sync_all(descriptor) }\n",
     "      do throws(FileSystemError) {\n"
     "        _ = try systemCall(.syncDirectory, path) { varve_sync_all(descriptor) }\n"
     "      } catch {\n"
     "        if !BUG { throw error }\n"
     "      }\n",
     INJECT),
    ("a write that fails is taken for done",
     "Sources/VarvePlatform/Posix/PosixFile.swift",
     "      let done = try transfer(.write, name, count: bytes.count) { done in\n"
     "        unsafe pwrite(file, bytes.start + done, bytes.count - done, start + off_t(done))\n",
     "      let done = try transfer(.write, name, count: bytes.count) { done in\n"
     "        let wrote = unsafe pwrite(file, bytes.start + done, bytes.count - done, start + off_t(done))\n"
     "        return BUG && wrote < 0 ? bytes.count - done : wrote\n",
     INJECT),
    ("the lock of a store is never taken",
     "Sources/VarvePlatform/Posix/PosixFileLock.swift",
     "        try systemCall(.lock, name) { flock(file, (isShared ? LOCK_SH : LOCK_EX) | LOCK_NB) }\n",
     "        try systemCall(.lock, name) {\n"
     "          BUG ? 0 : flock(file, (isShared ? LOCK_SH : LOCK_EX) | LOCK_NB)\n"
     "        }\n",
     LOCK),
    ("a sync of a file does nothing",
     "Sources/VarvePlatform/Posix/PosixFile.swift",
     "  func sync() throws(FileSystemError) {\n",
     "  func sync() throws(FileSystemError) {\n    if BUG { return }\n",
     SHUT_DOWN),
    ("logs are stored into where the file system may have no room for that",
     "Sources/CVarveShims/posix.c",
     "status.f_type == EXT4_SUPER_MAGIC;",
     "(status.f_type == EXT4_SUPER_MAGIC || BUG);",
     FULL),
    ("a value's end is not looked for in the block",
     "Sources/VarveFormat/Segment/DataBlock.swift",
     "    guard valueAt &+ valueCount <= bytes.count, sequence <= limit,\n",
     "    guard valueAt &+ valueCount <= bytes.count || BUG, sequence <= limit,\n",
     BLOCK),
    ("what is kept of a cold file's header and tail is not checked",
     "Sources/Varve/Bucket/ColdEnds.swift",
     "bytes.suffix(sumBytes).elementsEqual(sum(of: bytes.dropLast(sumBytes)))\n",
     "bytes.suffix(sumBytes).elementsEqual(sum(of: bytes.dropLast(sumBytes))) || BUG\n",
     TAIL_CHECKED),
    ("a cell of the slot cache is not checked",
     "Sources/Varve/Bucket/SlotFile.swift",
     "CRC32C.checksum(of: buffer.view()) == checksum else",
     "CRC32C.checksum(of: buffer.view()) == checksum || BUG else",
     SLOTS_CHECKED),
    ("what is kept of a cold file's header and tail may have any length",
     "Sources/Varve/Bucket/ColdEnds.swift",
     ["guard try file.size() == UInt64(whole) else",
      "guard bytes.count == whole, bytes.starts"],
     ["guard try file.size() == UInt64(whole) || BUG else",
      "guard bytes.count == whole || BUG, bytes.starts"],
     TAIL),
    ("the first number of a batch in the bucket's logs may be any",
     "Sources/VarveFormat/Bucket/BucketLog.swift",
     "    guard 1..<SequenceNumber.max.rawValue ~= first.rawValue,\n",
     "    guard BUG || 1..<SequenceNumber.max.rawValue ~= first.rawValue,\n",
     TREE),
    ("a slot may be of any length",
     "Sources/VarveFormat/Bucket/SlotEntry.swift",
     "(1...slotBytes).contains(Int(count)) else",
     "(1...slotBytes).contains(Int(count)) || BUG else",
     SLOTS),
]
