/// A moment in UTC by the calendar, to the second, from 1970 to 9999: what dates in requests and answers
/// are written in.
package struct CivilTime: Equatable, Sendable {
  /// Seconds since 1970.
  let seconds: UInt64

  /// The second that these milliseconds since 1970 lie in; at most the last of the year 9999.
  package init(milliseconds: UInt64) { seconds = min(milliseconds / 1000, UInt64(Self.last)) }

  /// The last second of the year 9999.
  private static let last: Int64 = 253_402_300_799

  /// Nil where there is no such moment.
  init?(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) {
    guard (1970...9999).contains(year), (1...12).contains(month), (1...31).contains(day),
      (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second)
    else { return nil }
    let days = Self.days(year: year, month: month, day: day)
    guard Self.date(days: days) == (year, month, day) else { return nil }
    seconds = UInt64(days * 86_400 + hour * 3600 + minute * 60 + min(second, 59))
  }

  var milliseconds: UInt64 { seconds * 1000 }

  /// Days since 1970 of a date (H. Hinnant, "chrono-compatible low-level date algorithms"): years begin
  /// in March, so that a leap day is the last of one.
  private static func days(year: Int, month: Int, day: Int) -> Int {
    let shifted = month > 2 ? year : year - 1
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  /// The other way.
  private static func date(days: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let part = (5 * dayOfYear + 2) / 153
    let month = part < 10 ? part + 3 : part - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * part + 2) / 5 + 1)
  }
}

// MARK: - For people

extension CivilTime {
  /// `2013-05-24T00:00:00Z`
  package var text: String {
    let (year, month, day) = Self.date(days: Int(seconds / 86_400))
    let date = [Self.digits(year, 4), Self.digits(month, 2), Self.digits(day, 2)]
    let time = [seconds / 3600 % 24, seconds / 60 % 60, seconds % 60].map {
      Self.digits(Int($0), 2)
    }
    return "\(date.joined(separator: "-"))T\(time.joined(separator: ":"))Z"
  }
}

// MARK: - As signatures have it

extension CivilTime {
  /// `20130524`
  var day: String {
    let (year, month, day) = Self.date(days: Int(seconds / 86_400))
    return Self.digits(year, 4) + Self.digits(month, 2) + Self.digits(day, 2)
  }

  /// `20130524T000000Z`
  var stamp: String {
    let second = Int(seconds % 86_400)
    let time = [second / 3600, second / 60 % 60, second % 60].map { Self.digits($0, 2) }
    return "\(day)T\(time.joined())Z"
  }

  private static func digits(_ number: Int, _ width: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
  }
}

// MARK: - As answers have it

extension CivilTime {
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// `Fri, 24 May 2013 00:00:00 GMT`, of the headers Date and Last-Modified (RFC 9110, 5.6.7). The
  /// day of the week is not looked at; nil where it is anything else.
  init?(header text: String) {
    let words = text.split(separator: " ")
    guard words.count == 6, words[5] == "GMT",
      let month = Self.months.firstIndex(of: String(words[2]))
    else { return nil }
    let time = words[4].split(separator: ":", omittingEmptySubsequences: false)
    guard time.count == 3, let day = Self.number(words[1]), let year = Self.number(words[3]),
      let hour = Self.number(time[0]), let minute = Self.number(time[1]),
      let second = Self.number(time[2])
    else { return nil }
    self.init(
      year: year, month: month + 1, day: day, hour: hour, minute: minute, second: second)
  }

  /// `2009-10-12T17:50:30.000Z`, of listings and credentials (RFC 3339); in place of the `Z` may stand how
  /// much later it is there, as `+02:00` or `+0200`. Fractions of the second are dropped.
  init?(document text: String) {
    let parts = text.split(separator: "T", omittingEmptySubsequences: false)
    guard parts.count == 2, let zone = parts[1].firstIndex(where: { "Z+-".contains($0) }),
      let offset = Self.offset(parts[1][zone...])
    else { return nil }
    let clock = parts[1][..<zone].split(separator: ".", omittingEmptySubsequences: false)
    guard clock.count == 1 || clock.count == 2 && UInt64(digits: clock[1]) != nil else {
      return nil
    }
    let date = parts[0].split(separator: "-", omittingEmptySubsequences: false).map(Self.number)
    let time = clock[0].split(separator: ":", omittingEmptySubsequences: false).map(Self.number)
    guard date.count == 3, time.count == 3, let year = date[0], let month = date[1],
      let day = date[2], let hour = time[0], let minute = time[1], let second = time[2],
      let there = CivilTime(
        year: year, month: month, day: day, hour: hour, minute: minute, second: second)
    else { return nil }
    let seconds = Int64(there.seconds) - offset
    guard seconds >= 0, seconds <= Self.last else { return nil }
    self.seconds = UInt64(seconds)
  }

  /// Seconds that a zone is ahead of UTC.
  private static func offset(_ text: Substring) -> Int64? {
    if text == "Z" { return 0 }
    let digits = text.dropFirst().filter { $0 != ":" }
    guard digits.utf8.count == 4, text.utf8.count == 5 || text.dropFirst(3).first == ":",
      let number = Self.number(Substring(digits)), number / 100 < 24, number % 100 < 60
    else { return nil }
    let seconds = Int64(number / 100 * 3600 + number % 100 * 60)
    return text.first == "-" ? -seconds : seconds
  }

  private static func number(_ text: Substring) -> Int? {
    guard (1...4).contains(text.utf8.count), text.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }) else {
      return nil
    }
    return Int(text)
  }
}
