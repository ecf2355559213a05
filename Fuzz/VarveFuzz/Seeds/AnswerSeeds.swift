/// Answers of S3 and of those who give credentials.
enum AnswerSeeds {
  private static let documents = [
    """
    <?xml version="1.0" encoding="UTF-8"?>
    <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>
    <IsTruncated>true</IsTruncated><EncodingType>url</EncodingType><Contents><Key>a%2Fb+c</Key>
    <LastModified>2024-02-29T23:59:59.123Z</LastModified><Size>17</Size></Contents>
    <NextContinuationToken>t&amp;&#x41;</NextContinuationToken></ListBucketResult>
    """,
    "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>",
    """
    <ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>
    <NextUploadIdMarker>i</NextUploadIdMarker><Upload><Key>k</Key><UploadId>i</UploadId>
    <Initiated>2024-01-01T00:00:00+01:00</Initiated></Upload></ListMultipartUploadsResult>
    """,
    """
    <Error><Code>PermanentRedirect</Code><Message>not \u{1b}[31m here &lt;a&gt;</Message>
    <Region>eu-west-1</Region></Error>
    """,
    "<a:ErrorResponse xmlns:a='x>y'><a:Error><a:Code>Sender</a:Code></a:Error></a:ErrorResponse>",
    "<x><!-- c --><y/><![CDATA[<&>]]>&#10;&quot;</x>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
    "<AssumeRoleResult><Credentials><AccessKeyId>a</AccessKeyId><SecretAccessKey>s"
      + "</SecretAccessKey><SessionToken>t</SessionToken></Credentials></AssumeRoleResult>",
    "<html><body><p>503</p></body></html>", "", "\u{feff}<a>é</a>", "<a></b>",
  ]
  private static let answers = [
    "content-range: bytes 0-3/10\ndate: Fri, 24 May 2013 00:00:00 GMT\n\nabcd",
    "content-range: bytes 6-9/10\nlast-modified: Thu, 29 Feb 2024 23:59:60 GMT\n\nabcd",
    "content-length: 4\netag: \"x\"\nx-amz-checksum-crc32c: ksgKMQ==\n\nabcd",
    "content-range: bytes */10\n\n", "content-range: bytes 0--1/0\n\n",
    "content-length: 999999999999999999\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT\n"
      + "x-amz-storage-class: GLACIER\nx-amz-restore: ongoing-request=\"true\"\n\n",
    "location: https://a.b-c.d:8443/e/f?g=h%20i&j\nendpoint: http://[::1]:9000/\n\n",
    "expires: 2024-02-29T23:59:59.5+05:30\nx: 9999-12-31T23:59:59Z\n\n", "a\n:b\n\n", "",
  ]
  private static let credentials = [
    #"{"Code":"Success","AccessKeyId":"AKIDEXAMPLE","SecretAccessKey":"s/e+c","Token":"t","#
      + #""Expiration":"2024-02-29T23:59:59Z"}"#,
    #"{"Version": 1, "AccessKeyId": "\u00e9\ud83d\ude00", "SecretAccessKey": "\\\"\/"}"#,
    #"{"a":[1,-2.5e+3,true,null,{"b":[]}],"c":false}"#, #"{"a":-inf}"#, #"{"a":01}"#, "[1]", "{}",
    "[default]\naws_access_key_id = a\naws_secret_access_key=b=c\n# x\n\n[ profile a ]\nregion = r\n",
    "[default\n = \nx\n[]\na=\u{85}b\r\nc = d\u{2028}e", "\u{feff}[default]\na=b",
    "[profile a]\ns3 =\n  max = 1\ncredential_process = /x \"y z\"\n",
  ]

  static func add(to inputs: inout Inputs) {
    for (target, texts) in [("s3-documents", documents), ("s3-credentials", credentials)] {
      for (number, text) in texts.enumerated() {
        inputs.add(Array(text.utf8), to: target, as: "text-\(number)")
      }
    }
    for (number, text) in answers.enumerated() {
      for status: UInt8 in [0, 6] {
        let range: [UInt8] = [status, 4, 0, UInt8(number), 0, 0, 0, 0, 0, 0]
        inputs.add(range + Array(text.utf8), to: "s3-answers", as: "text-\(number)-\(status)")
      }
    }
  }
}
