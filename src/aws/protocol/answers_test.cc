#include <gtest/gtest.h>

#include "aws/api_error.h"
#include "aws/codec_fixture.h"
#include "aws/error_codes.h"
#include "aws/raw_http.h"
#include "aws/refusal.h"
#include "base/error.h"

namespace hallmark::aws {

namespace {

constexpr const char* kShapes =
    R"("Out": {"type": "structure", "members": {"Name": {"shape": "S", "locationName": "name"},
       "Count": {"shape": "I"}, "Ratio": {"shape": "D"}, "Sure": {"shape": "B"},
       "When": {"shape": "T"}, "Bytes": {"shape": "Raw"}, "List": {"shape": "L"},
       "Flat": {"shape": "FL"}, "Map": {"shape": "M"}, "Choice": {"shape": "U"},
       "Self": {"shape": "Out"}}},
       "L": {"type": "list", "member": {"shape": "S", "locationName": "item"}},
       "FL": {"type": "list", "member": {"shape": "S", "locationName": "one"}, "flattened": true},
       "M": {"type": "map", "key": {"shape": "S"}, "value": {"shape": "I"}},
       "U": {"type": "structure", "union": true, "members": {"A": {"shape": "S"}, "N": {"shape": "I"}}},
       "Gone": {"type": "structure", "exception": true, "error": {"code": "Gone.Code"},
                "members": {"Why": {"shape": "S"}}})";
constexpr const char* kOutput = R"("output": {"shape": "Out", "resultWrapper": "ActResult"})";

struct Case {
  const char* what;
  const char* protocol;
  const char* body;
  const char* answer;  ///< JSON; or the words of the error, if it starts with "!"
};

class Answer : public ::testing::TestWithParam<Case> {};

TEST_P(Answer, IsRead) {
  const Case& c = GetParam();
  bool wrapped = std::string(c.protocol) == "query";
  auto model =
      fixture::model(c.protocol, wrapped ? kOutput : R"("output": {"shape": "Out"})", kShapes);
  std::string expected = c.answer;
  try {
    Value answer = printable(fixture::read(*model, c.body));
    EXPECT_EQ(answer, expected.starts_with("!") ? Value("an error") : Value::parse(expected))
        << c.what;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::corrupt);
    ASSERT_TRUE(expected.starts_with("!")) << c.what << ": " << error.message();
    EXPECT_NE(error.message().find(expected.substr(1)), std::string::npos) << error.message();
  }
}

const Case kCases[] = {
    {"scalars in XML", "rest-xml",
     "<O><name> a&amp;b <!-- c --></name><Count> 7</Count><Ratio>1.5</Ratio><Sure>true</Sure>"
     "<When>2017-07-14T02:40:00.5Z</When><Bytes>/wA=</Bytes></O>",
     R"({"Name": " a&b ", "Count": 7, "Ratio": 1.5, "Sure": true, "When": 1500000000.5,
         "Bytes": {"base64": "/wA="}})"},
    {"lists and maps in XML", "rest-xml",
     "<x:O xmlns:x='y'><x:List><item>a</item><item/></x:List><one>b</one><Count>1</Count>"
     "<one>c</one><Map><entry><key>k</key><value>2</value></entry></Map></x:O>",
     R"({"List": ["a", ""], "Flat": ["b", "c"], "Count": 1, "Map": {"k": 2}})"},
    {"wrapped results", "query", "<R><ActResult><Count>3</Count></ActResult><X/></R>",
     R"({"Count": 3})"},
    {"a result without its wrapper", "query", "<R><Count>3</Count></R>", "!has no <ActResult>"},
    {"ec2", "ec2", "<ActResponse><requestId>r</requestId><Count>3</Count></ActResponse>",
     R"({"Count": 3})"},
    {"a union that we know", "rest-xml", "<O><Choice><N>1</N></Choice></O>",
     R"({"Choice": {"N": 1}})"},
    {"a union's newer member", "rest-xml", "<O><Choice><New>1</New></Choice></O>",
     R"({"Choice": {"SDK_UNKNOWN_MEMBER": {"name": "New"}}})"},
    {"no body", "rest-xml", "", "{}"},
    {"cut off", "ec2", "<ActResponse><Count>3</Cou", "!cut off"},
    {"empty", "ec2", "", "!not XML"},
    {"a proxy's page", "ec2", "<html><body>Hello</body></html>", "!HTML"},
    {"a page with DOCTYPE", "query", "<!DOCTYPE html><html></html>", "!HTML"},
    {"entities of its own", "rest-xml",
     "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><O><name>&x;</name></O>", "!DOCTYPE"},
    {"no number", "rest-xml", "<O><Self><Count>x</Count></Self></O>",
     "!Self.Count: \"x\" is not an integer"},
    {"half an entry", "rest-xml", "<O><Map><entry><key>k</key></entry></Map></O>", "!lacks"},
    {"JSON", "json",
     R"({"name": "n", "Count": 7, "Ratio": 2, "Sure": true, "When": 1.5, "Bytes": "/wA=",
         "List": ["a", null], "Map": {"k": 1}, "Other": {}, "Flat": null})",
     R"({"Name": "n", "Count": 7, "Ratio": 2, "Sure": true, "When": 1.5,
         "Bytes": {"base64": "/wA="}, "List": ["a", null], "Map": {"k": 1}})"},
    {"JSON that means well", "rest-json",
     R"({"Count": "7", "Ratio": "NaN", "When": "2017-07-14T02:40:00Z"})",
     R"({"Count": 7, "Ratio": "NaN", "When": 1500000000})"},
    {"a newer member of a union, and its type", "json",
     R"({"Choice": {"__type": "x", "New": 1, "A": null}})",
     R"({"Choice": {"SDK_UNKNOWN_MEMBER": {"name": "New"}}})"},
    {"nothing", "json", "", "{}"},
    {"JSON cut off", "json", R"({"name": "n", "Cou)", "!cut off"},
    {"a page for JSON", "json", "<html>", "!HTML"},
    {"JSON of another type", "json", R"({"Self": {"List": [1, {"x": 2}], "Map": []}})",
     "!Self.Map: should be an object, is an array"},
    {"no UTF-8", "json", "{\"name\": \"\xff\"}", "!not JSON"},
};

INSTANTIATE_TEST_SUITE_P(Rules, Answer, ::testing::ValuesIn(kCases));

TEST(AnswerBombs, AreRefused) {
  std::string json, xml;
  for (int i = 0; i < 100'000; ++i) {
    json += R"({"Self":)";
    xml += "<Self>";
  }
  for (auto [protocol, body] : {std::pair("json", json), std::pair("rest-xml", xml)}) {
    auto model = fixture::model(protocol, R"("output": {"shape": "Out"})", kShapes);
    EXPECT_THROW(fixture::read(*model, body), Error);
  }
  std::string closed = xml;
  for (int i = 0; i < 100'000; ++i) closed += "</Self>";
  auto model = fixture::model("rest-xml", R"("output": {"shape": "Out"})", kShapes);
  EXPECT_THROW(fixture::read(*model, closed), Error);
}

TEST(AnswerHeaders, AreMembers) {
  auto model = fixture::model("rest-json", R"("output": {"shape": "H"})",
                              R"("H": {"type": "structure", "payload": "Body", "members": {
         "Code": {"shape": "I", "location": "statusCode"},
         "Count": {"shape": "I", "location": "header", "locationName": "X-Count"},
         "List": {"shape": "L", "location": "header", "locationName": "X-List"},
         "Days": {"shape": "TL", "location": "header", "locationName": "X-Days"},
         "Json": {"shape": "S", "jsonvalue": true, "location": "header", "locationName": "X-Json"},
         "Meta": {"shape": "M", "location": "headers", "locationName": "x-meta-"},
         "Body": {"shape": "Raw"}}},
         "L": {"type": "list", "member": {"shape": "S"}},
         "TL": {"type": "list", "member": {"shape": "T"}},
         "M": {"type": "map", "key": {"shape": "S"}, "value": {"shape": "S"}})");
  Value answer =
      fixture::read(*model, "raw",
                    {{"x-count", "3"},
                     {"X-LIST", " a ,\"b,c\", \"d\\\"\""},
                     {"X-Days", "Thu, 01 Jan 1970 00:00:01 GMT, Thu, 01 Jan 1970 00:00:02 GMT"},
                     {"X-Json", "eyJhIjpbMV19"},
                     {"X-Meta-Owner", "me"}},
                    206);
  EXPECT_EQ(printable(answer),
            Value::parse(R"({"Code": 206, "Count": 3, "List": ["a", "b,c", "d\""],
      "Days": [1, 2], "Json": {"a": [1]}, "Meta": {"Owner": "me"}, "Body": "raw"})"));
}

struct ErrorCase {
  const char* protocol;
  int status;
  const char* body;
  const char* code;
  const char* message;
  const char* request_id;
};

TEST(Refusals, AreReadInEveryProtocol) {
  const ErrorCase kErrors[] = {
      {"ec2", 400,
       "<Response><Errors><Error><Code>Gone.Code</Code><Message>m</Message><Why>w</Why></Error>"
       "</Errors><RequestID>r</RequestID></Response>",
       "Gone.Code", "m", "r"},
      {"query", 400,
       "<ErrorResponse><Error><Type>Sender</Type><Code>Gone.Code</Code><Message>m</Message>"
       "<Why>w</Why></Error><RequestId>r</RequestId></ErrorResponse>",
       "Gone.Code", "m", "r"},
      {"rest-xml", 404,
       "<Error><Code>Gone.Code</Code><Message>m</Message><Why>w</Why><RequestId>r</RequestId></"
       "Error>",
       "Gone.Code", "m", "r"},
      {"json", 400,
       R"({"__type": "a.b#Gone.Code:http://x", "Message": "m", "Why": "w", "code": "y"})",
       "Gone.Code", "m", ""},
      {"rest-json", 400, R"({"code": "Gone.Code", "__type": "y", "message": "m", "Why": "w"})",
       "Gone.Code", "m", ""},
  };
  for (const ErrorCase& c : kErrors) {
    auto model = fixture::model(c.protocol, "", kShapes);
    Refusal refusal = read_refusal(*model, model->operation("Act"), {c.status, {}, c.body});
    EXPECT_EQ(refusal.code, c.code) << c.protocol;
    EXPECT_EQ(refusal.message, c.message) << c.protocol;
    EXPECT_EQ(refusal.request_id, c.request_id) << c.protocol;
    EXPECT_EQ(refusal.details, Value::parse(R"({"Why": "w"})")) << c.protocol;
  }
}

TEST(Refusals, AreClearWithoutADocument) {
  for (const char* protocol : {"ec2", "query", "rest-xml", "json", "rest-json"}) {
    auto model = fixture::model(protocol, "", "");
    for (const char* body : {"", "<html><b>Bad\n gateway</b></html>", "{\"a", "<a><b>", "[1]"}) {
      try {
        fixture::read(*model, body, {{"x-amzn-RequestId", "r"}}, 502);
        FAIL() << protocol;
      } catch (const ApiError& error) {
        EXPECT_EQ(error.kind(), ErrorKind::unavailable);
        EXPECT_EQ(error.code(), "502");
        EXPECT_EQ(error.status(), 502);
        EXPECT_EQ(error.request_id(), "r");
        EXPECT_NE(error.message().find("bad gateway"), std::string::npos) << error.message();
      }
    }
  }
}

TEST(ErrorCodes, MeanKinds) {
  struct {
    const char* service;
    const char* code;
    int status;
    ErrorKind kind;
  } kRows[] = {
      {"ec2", "InvalidAMIID.NotFound", 400, ErrorKind::not_found},
      {"s3", "NoSuchBucket", 404, ErrorKind::not_found},
      {"s3", "404", 404, ErrorKind::not_found},
      {"ec2", "RequestLimitExceeded", 503, ErrorKind::throttled},
      {"ssm", "ThrottlingException", 400, ErrorKind::throttled},
      {"kms", "LimitExceededException", 400, ErrorKind::failed},
      {"ec2", "UnauthorizedOperation", 403, ErrorKind::denied},
      {"sts", "ExpiredToken", 400, ErrorKind::denied},
      {"ec2", "InsufficientInstanceCapacity", 500, ErrorKind::unavailable},
      {"lambda", "ServiceException", 500, ErrorKind::unavailable},
      {"ec2", "InvalidParameterValue", 400, ErrorKind::usage},
      {"ssm", "ValidationException", 400, ErrorKind::usage},
      {"ec2", "InvalidAMIName.Duplicate", 400, ErrorKind::conflict},
      {"ec2", "IdempotentParameterMismatch", 400, ErrorKind::conflict},
      {"ec2", "InvalidSnapshot.InUse", 400, ErrorKind::conflict},
      {"ec2", "DryRunOperation", 412, ErrorKind::failed},
      {"ec2", "VcpuLimitExceeded", 400, ErrorKind::failed},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(kind_of(row.service, row.code, row.status), row.kind) << row.code;
  }
}

TEST(RawHttp, IsTakenApart) {
  RawResponse plain = parse_raw_response("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\nbody");
  EXPECT_EQ(plain.response.status, 200);
  EXPECT_EQ(header(plain.response.headers, "a"), "b c");
  EXPECT_EQ(plain.response.body, "body");
  RawResponse chunked = parse_raw_response(
      "HTTP/1.1 200\nTransfer-Encoding: chunked\n\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n");
  EXPECT_EQ(chunked.response.body, "abc0123456789");
  EXPECT_FALSE(chunked.is_cut_off);
  EXPECT_TRUE(parse_raw_response("HTTP/1.1 200\nContent-Length: 9\n\nshort").is_cut_off);
  EXPECT_EQ(parse_raw_response("HTTP/1.1 200\nContent-Length: 2\n\nok\n").response.body, "ok");
  EXPECT_TRUE(
      parse_raw_response("HTTP/1.1 200\nTransfer-Encoding: chunked\n\nff\r\nabc").is_cut_off);
  for (const char* bad : {"", "200 OK", "HTTP/1.1 x\n\n", "HTTP/1.1 200\nno header\n\n",
                          "HTTP/1.1 200\nTransfer-Encoding: chunked\n\nxyz\r\n"}) {
    EXPECT_THROW(parse_raw_response(bad), Error) << bad;
  }
}

}  // namespace

}  // namespace hallmark::aws
