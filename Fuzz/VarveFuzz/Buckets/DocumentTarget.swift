import VarveFormat

@testable import VarveS3

extension FuzzTarget {
  /// XML as S3 answers it: listings, uploads, credentials of a role, errors.
  static let s3Documents = FuzzTarget("s3-documents", upTo: 4 << 10) { view in
    let bytes = view.array
    let events = events(of: bytes)
    let names = XMLGroups(bytes, of: ["Contents", "Credentials", "ListBucketResult"])
    promise((names == nil) == (events == nil), "two readers of XML do not agree")
    for case .text(let text) in events ?? [] { checkText(text) }
    checkError(S3ErrorDocument(bytes))
    if let page = ListingDocument(bytes) {
      promise(names?.root == "ListBucketResult", "a listing of another root")
      promise(!page.isTruncated || !page.keys.isEmpty || page.token != nil, "it does not go on")
      promise(page.keys.count <= names?["Contents"].count ?? 0, "keys that are not there")
    }
    if let page = UploadsDocument(bytes) {
      for upload in page.uploads { promise(upload.key.utf8.count < bytes.count, "a key grew") }
    }
  }

  /// All events; nil where the document is refused. Elements close as they open, and nothing grows.
  private static func events(of bytes: [UInt8]) -> [XMLReader.Event]? {
    var reader = XMLReader(bytes)
    var events: [XMLReader.Event] = []
    var open: [String] = []
    var textBytes = 0
    while true {
      let event: XMLReader.Event?
      do { event = try reader.next() } catch { return nil }
      guard let event else { break }
      switch event {
      case .start(let name): open.append(name)
      case .end(let name): promise(open.popLast() == name, "an element ends that was not open")
      case .text(let text):
        promise(!open.isEmpty, "text outside of the document")
        textBytes += text.utf8.count
      }
      events.append(event)
    }
    promise(open.isEmpty && !events.isEmpty, "an element stays open")
    promise(textBytes <= bytes.count, "text grew")
    return events
  }

  /// Text that is written is read as it was.
  private static func checkText(_ text: String) {
    var reader = XMLReader(Array(XMLText.element("a", text).utf8))
    var read = ""
    do {
      while let event = try reader.next() {
        if case .text(let piece) = event { read += piece }
      }
    } catch { promise(false, "text that was written is refused") }
    promise(read.utf8.elementsEqual(text.utf8), "text is read as another")
  }

  /// What an error says goes to a terminal.
  private static func checkError(_ error: S3ErrorDocument) {
    let shown = error.code + error.message + (error.region ?? "")
    promise(
      shown.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control },
      "an error steers the terminal")
    promise(error.message.unicodeScalars.count <= 300, "an error is too long")
    promise(error.region.map { HTTPOrigin("https://\($0).a") != nil } ?? true, "a wrong region")
  }
}
