#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How much memory the machine has.
package enum SystemMemory {
  /// Bytes of physical memory; 4 GiB where the system does not say.
  package static var byteCount: Int {
    let pages = sysconf(Int32(_SC_PHYS_PAGES))
    let pageBytes = sysconf(Int32(_SC_PAGESIZE))
    let (bytes, overflow) = pages.multipliedReportingOverflow(by: pageBytes)
    return pages > 0 && pageBytes > 0 && !overflow ? bytes : 4 << 30
  }
}
