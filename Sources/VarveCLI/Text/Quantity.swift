/// Numbers as people read them.
enum Quantity {
  /// Digits in groups of three: 1,234,567.
  static func grouped(_ number: UInt64) -> String {
    let digits = String(number)
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return text
  }

  /// Bytes in the largest binary unit that leaves at least one: 1.5 MiB.
  static func bytes(_ count: UInt64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    guard count >= 1024 else { return "\(count) B" }
    var size = Double(count) / 1024
    var unit = 0
    // 1023.95 would be printed as 1024.0.
    while size >= 1023.95, unit + 1 < units.count {
      size /= 1024
      unit += 1
    }
    return "\(decimal(size, places: 1)) \(units[unit])"
  }

  /// Reads what a person writes for a number of bytes: 65536, 512K, 64M, 2G; nil for all else.
  static func parseBytes(_ text: String) -> Int? {
    let shifts: [Character: Int] = ["K": 10, "M": 20, "G": 30]
    let shift = text.last.flatMap { shifts[$0] }
    let digits = shift == nil ? text[...] : text.dropLast()
    guard digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let number = Int(digits) else {
      return nil
    }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << (shift ?? 0))
    return overflow ? nil : bytes
  }

  /// A rate in thousands and millions: 940, 12.5 k, 3.1 M.
  static func compact(_ number: Double) -> String {
    if number < 999.5 { return decimal(number, places: 0) }
    if number < 999_950 { return "\(decimal(number / 1e3, places: 1)) k" }
    return "\(decimal(number / 1e6, places: 1)) M"
  }

  /// Seconds: 0.42 s, 12.3 s, 3:05, 2:03:05.
  static func duration(_ seconds: Double) -> String {
    if seconds < 9.995 { return "\(decimal(seconds, places: 2)) s" }
    if seconds < 59.95 { return "\(decimal(seconds, places: 1)) s" }
    let whole = UInt64(min(seconds, 359_999_999).rounded())
    let parts = (hours: whole / 3600, minutes: whole / 60 % 60, seconds: whole % 60)
    guard parts.hours > 0 else { return "\(parts.minutes):\(padded(parts.seconds))" }
    return "\(parts.hours):\(padded(parts.minutes)):\(padded(parts.seconds))"
  }

  /// `number` with a fixed count of decimal places; not a number becomes a dash.
  static func decimal(_ number: Double, places: Int) -> String {
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let scaled = (number * scale).rounded()
    guard scaled.magnitude < 9e15 else { return "-" }
    let whole = Int64(scaled)
    let digits = String(whole.magnitude)
    let padding = String(repeating: "0", count: max(0, places + 1 - digits.count))
    let all = padding + digits
    let sign = whole < 0 ? "-" : ""
    guard places > 0 else { return sign + all }
    return "\(sign)\(all.dropLast(places)).\(all.suffix(places))"
  }

  /// A count of things with its noun: 1 entry, 2 entries.
  static func count(_ number: UInt64, _ one: String, _ many: String) -> String {
    "\(grouped(number)) \(number == 1 ? one : many)"
  }

  private static func padded(_ number: UInt64) -> String {
    number < 10 ? "0\(number)" : "\(number)"
  }
}
