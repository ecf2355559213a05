/// What a kind of bucket can do: declared, since asking it proves little.
public struct S3Profile: Hashable, Sendable {
  /// The profile's name, for people.
  public var name: String
  /// Whether one of several racing conditional writes wins, and one only.
  public var createsAtomically: Bool
  /// Whether it keeps and checks CRC-32C of objects (`x-amz-checksum-crc32c`).
  public var hasChecksums: Bool
  /// Whether objects can be put into storage classes.
  public var hasStorageClasses: Bool
  /// Whether it removes many objects by one request (DeleteObjects).
  public var removesMany: Bool
  /// How many parts of one upload it takes at once.
  public var partsAtOnce: Int
  /// The header that lets a write succeed only where no object is.
  var absenceHeader: HTTPField

  init(
    _ name: String, createsAtomically: Bool = true, hasChecksums: Bool = false,
    hasStorageClasses: Bool = true, partsAtOnce: Int = 4,
    absenceHeader: HTTPField = HTTPField(name: "if-none-match", value: "*")
  ) {
    self.name = name
    self.createsAtomically = createsAtomically
    self.hasChecksums = hasChecksums
    self.hasStorageClasses = hasStorageClasses
    removesMany = true
    self.partsAtOnce = partsAtOnce
    self.absenceHeader = absenceHeader
  }

  /// Amazon S3.
  public static let aws = S3Profile("aws", hasChecksums: true)
  /// MinIO, and servers that follow it.
  public static let minio = S3Profile("minio")
  /// Ceph's RADOS gateway.
  public static let ceph = S3Profile("ceph", hasStorageClasses: false)
  /// Cloudflare R2, which takes two or three parts at once.
  public static let r2 = S3Profile("r2", hasStorageClasses: false, partsAtOnce: 2)
  /// Google Cloud Storage by its XML interface, whose conditions have a header of their own. Large
  /// objects cannot be written conditionally there. Made by its documentation, never tried.
  public static let gcs = S3Profile(
    "gcs", hasStorageClasses: true,
    absenceHeader: HTTPField(name: "x-goog-if-generation-match", value: "0"))
  /// OpenStack Swift: conditional writes that race may all succeed.
  public static let swift = S3Profile("swift", createsAtomically: false, hasStorageClasses: false)
  /// Anything else: nothing is taken for granted.
  public static let unknown = S3Profile("unknown", createsAtomically: false)

  /// All of them.
  public static let all = [aws, minio, ceph, r2, gcs, swift, unknown]

  /// A profile by its name; nil where there is none.
  public init?(named name: String) {
    guard let found = Self.all.first(where: { $0.name == name }) else { return nil }
    self = found
  }
}
