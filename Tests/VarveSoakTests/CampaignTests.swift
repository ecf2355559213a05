import Foundation
import Testing

@testable import VarveSoak

@Suite struct CampaignTests {
  /// What `tools/soak` takes for a whole campaign is what is done where nothing else is asked for.
  @Test func usualAmountsAreThoseOfTheTool() throws {
    let tool = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../tools/soak_arguments.py").standardized
    let text = try String(contentsOf: tool, encoding: .utf8).filter { $0 != "_" }
    for campaign in Campaign.all {
      let line = "(\"\(campaign.name)\", \"\(campaign.amount)\", \(campaign.usual), "
      #expect(text.contains(line), "\(line)")
    }
    #expect(Set(Campaign.all.map(\.name)).count == Campaign.all.count)
    #expect(Campaign.all.allSatisfy { Campaign.help.contains($0.summary) })
  }
}
