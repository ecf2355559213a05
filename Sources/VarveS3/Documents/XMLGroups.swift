/// What an answer in XML says, as far as anyone asked: for each element of a name that was asked for, its
/// children that hold text and nothing else.
///
/// ```
///   <ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>a</Key>…</Contents>…
///   groups["ListBucketResult"]  [["IsTruncated": "true"]]
///   groups["Contents"]          [["Key": "a", …], …]
/// ```
struct XMLGroups {
  /// The outermost element's name.
  let root: String
  private var groups: [String: [[String: String]]] = [:]

  /// Nil where the document is not well-formed or not whole.
  init?(_ bytes: [UInt8], of names: Set<String>) {
    do throws(XMLReader.Problem) { try self.init(reading: bytes, of: names) } catch { return nil }
  }

  /// All elements of a name, in order.
  subscript(name: String) -> [[String: String]] { groups[name] ?? [] }

  /// An element that is being read; those that nobody asked for too, since they may be a child.
  private struct Element {
    let name: String
    var text = ""
    var fields: [String: String] = [:]
    var hasChildren = false
  }

  private init(reading bytes: [UInt8], of names: Set<String>) throws(XMLReader.Problem) {
    var reader = XMLReader(bytes)
    var open: [Element] = []
    var root = ""
    while let event = try reader.next() {
      switch event {
      case .start(let name):
        if open.isEmpty { root = name } else { open[open.count - 1].hasChildren = true }
        open.append(Element(name: name))
      case .text(let text): open[open.count - 1].text += text
      case .end:
        let element = open.removeLast()
        if names.contains(element.name), element.hasChildren || open.isEmpty {
          groups[element.name, default: []].append(element.fields)
        }
        if !element.hasChildren, let parent = open.indices.last, names.contains(open[parent].name) {
          open[parent].fields[element.name] = element.text
        }
      }
    }
    self.root = root
  }
}
