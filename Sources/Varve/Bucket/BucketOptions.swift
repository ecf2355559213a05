@_exported public import VarveObjects

/// What a store does with a bucket: copies of its sealed files go there, and local ones may go.
///
/// ```swift
/// var options = StoreOptions()
/// options.bucket = BucketOptions(try DirectoryObjectStore(path: "/mnt/cold/catalog"))
/// let store = try SegmentStore.open(at: "catalog.varve", options: options)
/// ```
///
/// `.synced` is durable on this machine. The bucket follows: what was written since its newest version, or log, is
/// lost with the machine, or when another one takes over. `.remote` waits for the bucket.
public struct BucketOptions: Sendable {
  /// The bucket. The store does not close it. Parts of cold files take an eighth of the memory budget.
  public var objects: any ObjectStore

  /// Seconds that the newest version in the bucket may be behind, about, while somebody writes; nil: only
  /// ``SegmentStore/upload()`` puts anything there. Nobody writes: nothing is asked of the bucket. While something
  /// is being compacted it may be twice as far behind.
  public var uploadInterval: Int? = 300

  /// Seconds that the bucket may be behind, about, while somebody writes: what was written is put there in logs
  /// as well, before it is in files that can be. Nil: no logs, and the bucket is behind by `uploadInterval`.
  ///
  /// Costs a request each time, memory for what was written meanwhile (at most 64 MiB: then files are put), and
  /// of each write a batch and a copy. Needed for `.remote` writes that are quick.
  public var logInterval: Int?

  /// Bytes of writes that are put into a log before `logInterval` is over.
  public var logBytes = 4 << 20

  /// Seconds between two collections of the bucket, at least, while something is put there: what no version needs
  /// since an hour goes, and no checkpoint keeps. Nil: only ``SegmentStore/collectBucket(grace:isDry:)`` collects.
  public var collectInterval: Int? = 3_600

  /// Bytes of sealed files that stay on this machine, about: beyond that the oldest go once their copies
  /// are in the bucket. Nil: all stay.
  public var localBytes: UInt64?

  /// Seconds that sealed files stay on this machine at most, about, after they were written or came back, once
  /// their copies are in the bucket, by the file system's clock. Nil: no age makes them go.
  public var localSeconds: Int?

  /// Seconds between two looks of a replica for a newer version; nil: only ``SegmentStore/refresh()`` looks.
  public var refreshInterval: Int? = 10

  /// Bytes on this machine's disk for parts of cold files that were fetched, in the file `slots` of the
  /// store's directory: never more, and written only as far as it was needed. It outlives the store's
  /// closing, and may be removed while the store is closed. 0: none, and what there was goes.
  ///
  /// Reading from there costs a read of 64 KiB instead of a request. Takes about 4 MiB of memory for each
  /// GiB in use, beside the memory budget; the first cold read after opening reads 1 MiB for each GiB. Less
  /// than 192 KiB is none, more than 64 GiB is 64 GiB: beyond that let whole files stay (``localBytes``).
  /// The default is little for a disk, and with small entries some ten thousand times what a search needs.
  public var diskCacheBytes: UInt64 = 1 << 30

  /// Opens the store though another machine wrote to the bucket last, which is fenced by that. What that one
  /// committed there and this one does not have is no part of the store any more: to go on from there,
  /// ``SegmentStore/open(fromBucketTo:options:version:)`` is meant, which with this opens a store also where files of
  /// its newest version are missing in the bucket.
  public var takesOver = false

  /// Opens the store for writing though the bucket does not answer: what lies only there cannot be read
  /// meanwhile, and nothing is put there until the next opening, which is refused where the bucket is not as it was
  /// left then. Where the list of keyspaces lies only there, the store does not open.
  public var opensWithoutBucket = false

  /// What was put since the last commit is noted on this machine after so many bytes: a process that comes after
  /// one which died puts no more than that again.
  package var noteBytes: UInt64 = 16 << 20

  /// The defaults, with this bucket.
  public init(_ objects: any ObjectStore) { self.objects = objects }
}
