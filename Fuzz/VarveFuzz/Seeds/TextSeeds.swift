import VarveTestSupport

/// Inputs for what reads text, and orders for the store.
enum TextSeeds {
  private static let json = [
    #"{"key": "a", "value": "x\ny"}"#, #"{"value": {"b" :  [1, 2.0e-7, true, null]}, "key": "b"}"#,
    #"{"key_hex":"00fF","value_hex":"c328","keyspace":"k","expires":17}"#,
    #"{"key":"\ud83d\ude00","value":"é"}"# + "\r\n\n" + #"{ "key" : "c" , "value" : -1.50 }"#,
    #"[1]"#, #"{"key":"a","key_hex":"00","value":1}"#, #"{"key":"a","value":[[[[[{}]]]]]}"#,
  ]
  private static let tsv = ["a\t1\n\nb\tx\ty\\n\n\t\nlast\tline", "no tab", "\t\t\t"]
  private static let text = [
    "00ff", "64M", "1.5 GiB", "4096", "tab\tline\nback\\slash", "é \u{80}\u{9f} \u{202e} 😀",
  ]
  private static let names = [
    "log-0000000000000001", "manifest-0100000000000000", "kname", "n\0\0",
    "manifest/00000000000000000017", "log/00000000000000000001", "pin/a-checkpoint",
    "file/a0/0000000000000001-000000000000000c-a0b1c2d3e4f50617.segment",
  ]

  static func add(to inputs: inout Inputs) {
    for (target, texts) in [
      ("import-json", json), ("import-tsv", tsv), ("text", text), ("names", names),
    ] {
      for (number, text) in texts.enumerated() {
        inputs.add(Array(text.utf8), to: target, as: "text-\(number)")
      }
    }
    for seed in 1...12 as ClosedRange<UInt64> {
      var random = SeededRandom(seed: seed)
      inputs.add(random.bytes(100 + Int(seed) * 30), to: "operations", as: "random-\(seed)")
    }
    let rows = (0..<32).map { UInt8($0) }
    inputs.add([1, 2] + rows + Array("a\nb\nc\nd".utf8), to: "import-vectors", as: "rows")
    inputs.add(Array("vax".utf8), to: "canary", as: "near")
  }
}
