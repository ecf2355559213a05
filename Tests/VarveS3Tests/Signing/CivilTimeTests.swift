import Testing

@testable import VarveS3

@Suite struct CivilTimeTests {
  /// By `date -u -d @N`.
  @Test(arguments: [
    (UInt64(0), "19700101T000000Z"), (951_782_399, "20000228T235959Z"),
    (951_782_400, "20000229T000000Z"), (951_868_800, "20000301T000000Z"),
    (1_369_353_600, "20130524T000000Z"), (1_709_164_800, "20240229T000000Z"),
    (4_107_542_400, "21000301T000000Z"), (253_402_300_799, "99991231T235959Z"),
  ])
  func secondsAreMoments(_ seconds: UInt64, _ stamp: String) {
    #expect(CivilTime(milliseconds: seconds * 1000 + 999).stamp == stamp)
  }

  @Test func daysGoThereAndBack() throws {
    for day in stride(from: 0, to: 2_900_000, by: 997) {
      let stamp = CivilTime(milliseconds: UInt64(day) * 86_400_000).stamp
      let text =
        "\(stamp.prefix(4))-\(stamp.dropFirst(4).prefix(2))-\(stamp.dropFirst(6).prefix(2))"
      #expect(CivilTime(document: "\(text)T00:00:00Z")?.seconds == UInt64(day) * 86_400)
    }
  }

  @Test func datesOfAnswersAreRead() {
    #expect(CivilTime(header: "Fri, 24 May 2013 00:00:00 GMT")?.seconds == 1_369_353_600)
    #expect(CivilTime(header: "Tue, 29 Feb 2000 23:59:60 GMT")?.seconds == 951_868_799)
    #expect(CivilTime(document: "2009-10-12T17:50:30.000Z")?.seconds == 1_255_369_830)
    #expect(CivilTime(document: "2009-10-12T17:50:30Z")?.seconds == 1_255_369_830)
    #expect(CivilTime(document: "2009-10-12T17:50:30.123456+00:00")?.seconds == 1_255_369_830)
    // East of Greenwich it is later, and the day may be another.
    #expect(CivilTime(document: "2009-10-12T19:50:30+02:00")?.seconds == 1_255_369_830)
    #expect(CivilTime(document: "2009-10-13T03:20:30.5+0930")?.seconds == 1_255_369_830)
    #expect(CivilTime(document: "2009-10-12T12:50:30-05:00")?.seconds == 1_255_369_830)
  }

  @Test func whatIsNoDateIsNone() {
    let headers = [
      "", "Fri, 24 May 2013 00:00:00", "Fri, 24 Mai 2013 00:00:00 GMT", "24 May 2013 00:00:00 GMT",
      "Fri, 31 Feb 2013 00:00:00 GMT", "Fri, 24 May 2013 24:00:00 GMT",
      "Fri, 24 May 2013 00:00 GMT",
      "Fri, 24 May 1969 00:00:00 GMT", "Fri, -4 May 2013 00:00:00 GMT",
      "Fri, 24 May 99999 00:00:00 GMT", "Fri, 0 May 2013 00:00:00 GMT",
    ]
    for text in headers { #expect(CivilTime(header: text) == nil, "\(text)") }
    let documents = [
      "", "T", "2009-10-12", "2009-13-12T17:50:30Z", "2009-10-12T17:50:30", "2009-10-12T17:50Z",
      "2009-10-12T17:50:30+2:00", "2009-10-12T17:50:30+24:00", "2009-10-12T17:50:30+02:60",
      "1970-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "2009-10-12T17:50:30.xZ",
      "2009-10-12T17:50:30.Z", "2009-10-12T17:50:30ZZ", "2009-10-12T17:50:30+", "2009-10-12TZ",
      "99999999999999999999-10-12T17:50:30Z", "2023-02-29T00:00:00Z",
    ]
    for text in documents { #expect(CivilTime(document: text) == nil, "\(text)") }
  }
}
