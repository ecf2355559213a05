package import Varve

extension CrashWorkload {
  /// How much a varied workload writes of what.
  package struct Shape: Sendable {
    /// Keys in each keyspace: few are written again and again, many pile up.
    package var keys = 40
    /// The sizes of the values that are large.
    package var largeBytes = 2_000..<5_000
    /// One of so many commits is large.
    package var largeOneIn = 8
    /// One of so many commits fills half a log and more.
    package var bulkOneIn = 4
    /// How many of three commits are buffered; the others are synced.
    package var bufferedOfThree = 1
    /// Of every commit, where it is not mixed.
    package var durability: Durability?
    /// Whether the store is closed and opened again now and then.
    package var reopens = true
    /// Whether there is nothing but commits: nothing that syncs, where they are buffered.
    package var commitsOnly = false
    /// Whether the store has a bucket, and acts that need it.
    package var hasBucket = false

    package init() {}

    /// Large values that nothing has synced most of the time: a power cut tears them.
    package static var careless: Shape {
      var shape = Shape()
      (shape.largeOneIn, shape.bufferedOfThree) = (2, 2)
      return shape
    }

    /// Logs that nothing has synced are left for others most of the time.
    package static var rotating: Shape {
      var shape = Shape()
      (shape.largeOneIn, shape.bulkOneIn, shape.bufferedOfThree) = (20, 2, 2)
      return shape
    }

    /// With a bucket, into which things go and from which they come.
    package static var tiered: Shape {
      var shape = Shape()
      shape.hasBucket = true
      return shape
    }

    /// Fills a disk within some hundred acts, by streams of large values too.
    package static var filling: Shape {
      var shape = Shape()
      (shape.keys, shape.largeBytes) = (1_000, 20_000..<160_000)
      return shape
    }
  }
}
