#include <gtest/gtest.h>

#include "aws/codec_fixture.h"
#include "aws/url.h"
#include "base/error.h"

namespace hallmark::aws {

namespace {

struct Case {
  const char* what;
  const char* protocol;
  const char* operation;
  const char* shapes;
  const char* input;
  const char* target;
  const char* headers;  ///< those that must be there: a JSON object; null for one that must not
  const char* body;
};

class Rest : public ::testing::TestWithParam<Case> {};

TEST_P(Rest, IsWritten) {
  const Case& c = GetParam();
  auto model = fixture::model(c.protocol, c.operation, c.shapes);
  Request request = fixture::write(*model, c.input);
  EXPECT_EQ(request_target(request), c.target) << c.what;
  EXPECT_EQ(request.body, c.body) << c.what;
  Value headers = Value::parse(c.headers);
  for (const auto& [name, value] : headers.items()) {
    auto sent = header(request.headers, name);
    EXPECT_EQ(sent ? Value(*sent) : Value(nullptr), value) << c.what << ": " << name;
  }
}

constexpr const char* kGet =
    R"("http": {"method": "GET", "requestUri": "/a/{one}/b/{rest+}?fixed=1&bare"},
       "input": {"shape": "In"})";
constexpr const char* kPlaces =
    R"("In": {"type": "structure", "members": {
       "One": {"shape": "S", "location": "uri", "locationName": "one"},
       "Rest": {"shape": "S", "location": "uri", "locationName": "rest"},
       "Flag": {"shape": "B", "location": "querystring", "locationName": "flag"},
       "When": {"shape": "T", "location": "querystring", "locationName": "when"},
       "Many": {"shape": "L", "location": "querystring", "locationName": "many"},
       "Any": {"shape": "M", "location": "querystring"}}},
       "L": {"type": "list", "member": {"shape": "S"}},
       "M": {"type": "map", "key": {"shape": "S"}, "value": {"shape": "S"}})";
constexpr const char* kPost =
    R"("http": {"method": "POST", "requestUri": "/x"}, "input": {"shape": "In"})";
constexpr const char* kHeaders =
    R"("In": {"type": "structure", "members": {
       "Text": {"shape": "S", "location": "header", "locationName": "X-Text"},
       "When": {"shape": "T", "location": "header", "locationName": "X-When"},
       "Sure": {"shape": "B", "location": "header", "locationName": "X-Sure"},
       "List": {"shape": "L", "location": "header", "locationName": "X-List"},
       "Json": {"shape": "S", "location": "header", "locationName": "X-Json", "jsonvalue": true},
       "Meta": {"shape": "M", "location": "headers", "locationName": "X-Meta-"}}},
       "L": {"type": "list", "member": {"shape": "S"}},
       "M": {"type": "map", "key": {"shape": "S"}, "value": {"shape": "S"}})";
constexpr const char* kBody =
    R"("In": {"type": "structure", "members": {
       "Id": {"shape": "S", "location": "querystring", "locationName": "id"},
       "Name": {"shape": "S", "locationName": "name"}, "When": {"shape": "T"},
       "Bytes": {"shape": "Raw"}, "Free": {"shape": "Doc"}, "Map": {"shape": "M"}}},
       "M": {"type": "map", "key": {"shape": "S"}, "value": {"shape": "D"}},
       "Doc": {"type": "structure", "members": {}, "document": true})";
constexpr const char* kBlobPayload =
    R"("In": {"type": "structure", "payload": "Body", "members": {
       "Type": {"shape": "S", "location": "header", "locationName": "Content-Type"},
       "Body": {"shape": "Raw", "streaming": true}}})";
constexpr const char* kStructurePayload =
    R"("In": {"type": "structure", "payload": "Thing", "members": {"Thing": {"shape": "Thing",
       "locationName": "thing", "xmlNamespace": {"uri": "http://x/"}}}},
       "Thing": {"type": "structure", "members": {"Name": {"shape": "S"}}})";
constexpr const char* kXml =
    R"("In": {"type": "structure", "members": {"Text": {"shape": "S", "locationName": "text"},
       "List": {"shape": "L"}, "Flat": {"shape": "FL", "locationName": "one"},
       "Map": {"shape": "M"}, "Grantee": {"shape": "G"}, "When": {"shape": "T"},
       "Sure": {"shape": "B"}}},
       "L": {"type": "list", "member": {"shape": "S", "locationName": "item"}},
       "FL": {"type": "list", "member": {"shape": "S"}, "flattened": true},
       "M": {"type": "map", "key": {"shape": "S"}, "value": {"shape": "S"}},
       "G": {"type": "structure", "xmlNamespace": {"prefix": "xsi", "uri": "http://y/"},
             "members": {"Id": {"shape": "S"},
                         "Kind": {"shape": "S", "locationName": "xsi:type", "xmlAttribute": true}}})";
constexpr const char* kXmlPost =
    R"("http": {"method": "PUT", "requestUri": "/x"},
       "input": {"shape": "In", "locationName": "Root", "xmlNamespace": {"uri": "http://x/"}})";

const Case kCases[] = {
    {"labels, greedy ones keep slashes", "rest-json", kGet, kPlaces,
     R"({"One": "a/b c", "Rest": "d/e~f+g"})", "/a/a%2Fb%20c/b/d/e~f%2Bg?fixed=1&bare=", "{}", ""},
    {"query strings", "rest-json", kGet, kPlaces,
     R"({"One": "1", "Rest": "2", "Flag": true, "When": 0, "Many": ["x", "y&"]})",
     "/a/1/b/2?fixed=1&bare=&flag=true&when=1970-01-01T00%3A00%3A00Z&many=x&many=y%26", "{}", ""},
    {"a map of query strings yields to named ones", "rest-json", kGet, kPlaces,
     R"({"One": "1", "Rest": "2", "Any": {"k": "v", "flag": "map"}, "Flag": false})",
     "/a/1/b/2?fixed=1&bare=&k=v&flag=false", "{}", ""},
    {"no content type without a body", "rest-json", kGet, kPlaces, R"({"One": "1", "Rest": "2"})",
     "/a/1/b/2?fixed=1&bare=", R"({"Content-Type": null})", ""},
    {"headers", "rest-json", kPost, kHeaders,
     R"({"Text": "t", "When": 0, "Sure": true, "Meta": {"a": "1", "B": "2"}})", "/x",
     R"({"X-Text": "t", "X-When": "Thu, 01 Jan 1970 00:00:00 GMT", "X-Sure": "true",
         "X-Meta-a": "1", "X-Meta-B": "2"})",
     ""},
    {"lists in headers", "rest-json", kPost, kHeaders, R"({"List": ["a", "b,c", "d\"e"]})", "/x",
     R"({"X-List": "a,\"b,c\",\"d\\\"e\""})", ""},
    {"empty lists and nulls send no header", "rest-json", kPost, kHeaders,
     R"({"List": [], "Text": null})", "/x", R"({"X-List": null, "X-Text": null})", ""},
    {"JSON in a header", "rest-json", kPost, kHeaders, R"({"Json": {"a": [1]}})", "/x",
     R"({"X-Json": "eyJhIjpbMV19"})", ""},
    {"JSON bodies", "rest-json", kPost, kBody,
     R"({"Id": "7", "Name": "n\"\n", "When": 1.5, "Bytes": {"base64": "/wA="},
         "Free": {"x": [null, 1.25]}, "Map": {"a": "NaN", "b": 1}})",
     "/x?id=7", R"({"Content-Type": "application/json"})",
     R"({"name":"n\"\n","When":1.5,"Bytes":"/wA=","Free":{"x":[null,1.25]},"Map":{"a":"NaN","b":1}})"},
    {"an empty JSON body where one could be", "rest-json", kPost, kBody, "{}", "/x",
     R"({"Content-Type": "application/json"})", "{}"},
    {"a payload of bytes", "rest-json", kPost, kBlobPayload, R"({"Body": "raw"})", "/x",
     R"({"Content-Type": "application/octet-stream"})", "raw"},
    {"the user's own content type", "rest-json", kPost, kBlobPayload,
     R"({"Body": "raw", "Type": "a/b"})", "/x", R"({"Content-Type": "a/b"})", "raw"},
    {"no payload of bytes", "rest-json", kPost, kBlobPayload, "{}", "/x",
     R"({"Content-Type": null})", ""},
    {"a structure as payload", "rest-json", kPost, kStructurePayload, R"({"Thing": {"Name": "n"}})",
     "/x", R"({"Content-Type": "application/json"})", R"({"Name":"n"})"},
    {"a missing structure as payload", "rest-json", kPost, kStructurePayload, "{}", "/x",
     R"({"Content-Type": "application/json"})", "{}"},
    {"XML: a structure as payload", "rest-xml", kPost, kStructurePayload,
     R"({"Thing": {"Name": "<&>\r\n\""}})", "/x", R"({"Content-Type": "application/xml"})",
     "<thing xmlns=\"http://x/\"><Name>&lt;&amp;&gt;&#xD;\n\"</Name></thing>"},
    {"XML: a missing structure", "rest-xml", kPost, kStructurePayload, "{}", "/x",
     R"({"Content-Type": null})", ""},
    {"XML: the members", "rest-xml", kXmlPost, kXml,
     R"({"Text": "t", "List": ["a", "b"], "Flat": ["c", "d"], "Sure": true, "When": 0})", "/x",
     "{}",
     "<Root xmlns=\"http://x/\"><text>t</text><List><item>a</item><item>b</item></List>"
     "<one>c</one><one>d</one><Sure>true</Sure><When>1970-01-01T00:00:00Z</When></Root>"},
    {"XML: maps", "rest-xml", kXmlPost, kXml, R"({"Map": {"k": "v"}})", "/x", "{}",
     "<Root xmlns=\"http://x/\"><Map><entry><key>k</key><value>v</value></entry></Map></Root>"},
    {"XML: attributes", "rest-xml", kXmlPost, kXml, R"({"Grantee": {"Id": "i", "Kind": "a\"b"}})",
     "/x", "{}",
     "<Root xmlns=\"http://x/\"><Grantee xmlns:xsi=\"http://y/\" xsi:type=\"a&quot;b\"><Id>i</Id>"
     "</Grantee></Root>"},
    {"XML: nothing to say", "rest-xml", kXmlPost, kXml, "{}", "/x", "{}", ""},
};

INSTANTIATE_TEST_SUITE_P(Rules, Rest, ::testing::ValuesIn(kCases));

TEST(RestLabels, MustNotBeEmpty) {
  auto model = fixture::model("rest-json", kGet, kPlaces);
  try {
    fixture::write(*model, R"({"One": "", "Rest": "x"})");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(error.message().find("One"), std::string::npos) << error.message();
  }
}

TEST(JsonRpc, NamesTheOperationInAHeader) {
  auto model = fixture::model("json", R"("input": {"shape": "In"})", kBody);
  Request request = fixture::write(*model, R"({"Id": "7", "When": 1500000000})");
  EXPECT_EQ(request.body, R"({"id":"7","When":1500000000})");
  EXPECT_EQ(header(request.headers, "X-Amz-Target"), "Demo_2026.Act");
  EXPECT_EQ(header(request.headers, "Content-Type"), "application/x-amz-json-1.1");
  auto none = fixture::model("json", "", "");
  EXPECT_EQ(fixture::write(*none, "{}").body, "{}");
}

TEST(HostPrefix, IsFilledFromTheInput) {
  auto model = fixture::model(
      "rest-json", R"("endpoint": {"hostPrefix": "data-{Route}."}, "input": {"shape": "In"})",
      R"("In": {"type": "structure", "members": {"Route": {"shape": "S", "hostLabel": true}}})");
  EXPECT_EQ(fixture::write(*model, R"({"Route": "a.b-1"})").host_prefix, "data-a.b-1.");
  EXPECT_THROW(fixture::write(*model, R"({"Route": "evil/"})"), Error);
  EXPECT_THROW(fixture::write(*model, R"({})"), Error);
}

TEST(Signing, FollowsTheModel) {
  auto sign = [](const char* operation) {
    return fixture::write(*fixture::model("rest-json", operation, ""), "{}");
  };
  EXPECT_TRUE(sign("").sign);
  EXPECT_FALSE(sign(R"("authtype": "none")").sign);
  EXPECT_FALSE(sign(R"("auth": ["smithy.api#noAuth"])").sign);
  EXPECT_TRUE(sign("").sign_payload);
  EXPECT_FALSE(sign(R"("authtype": "v4-unsigned-body")").sign_payload);
}

TEST(Checksums, StandBesideTheBody) {
  const char* shapes =
      R"("In": {"type": "structure", "payload": "Body", "members": {
         "Algorithm": {"shape": "S", "location": "header", "locationName": "x-amz-sdk-checksum-algorithm"},
         "Md5": {"shape": "S", "location": "header", "locationName": "Content-MD5"},
         "Body": {"shape": "Raw"}}})";
  const char* checked =
      R"("httpChecksum": {"requestAlgorithmMember": "Algorithm", "requestChecksumRequired": true},
         "input": {"shape": "In"})";
  auto model = fixture::model("rest-xml", checked, shapes);
  Request plain = fixture::write(*model, R"({"Body": "hello"})");
  EXPECT_EQ(header(plain.headers, "Content-MD5"), "XUFAKrxLKna5cZ2REBfFkg==");
  Request own = fixture::write(*model, R"({"Body": "hello", "Md5": "mine"})");
  EXPECT_EQ(header(own.headers, "Content-MD5"), "mine");
  // Of "123456789" the check values of the catalogues: CBF43926 and E3069283.
  Request crc = fixture::write(*model, R"({"Body": "123456789", "Algorithm": "CRC32"})");
  EXPECT_EQ(header(crc.headers, "x-amz-checksum-crc32"), "y/Q5Jg==");
  EXPECT_FALSE(header(crc.headers, "Content-MD5"));
  Request crc32c = fixture::write(*model, R"({"Body": "123456789", "Algorithm": "CRC32C"})");
  EXPECT_EQ(header(crc32c.headers, "x-amz-checksum-crc32c"), "4waSgw==");
  EXPECT_THROW(fixture::write(*model, R"({"Body": "x", "Algorithm": "ROT13"})"), Error);
}

}  // namespace

}  // namespace hallmark::aws
