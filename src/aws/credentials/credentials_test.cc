#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <nlohmann/json.hpp>

#include "aws/credentials/assume_role.h"
#include "aws/credentials/chain.h"
#include "aws/credentials/renewing.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"

namespace hallmark::aws {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const TimePoint kNow = from_rfc3339("2026-11-22T12:00:00Z");

/// A machine of its own: variables, files, an HTTP world and an STS.
struct World : Caller {
  ManualClock clock{kNow};
  std::map<std::string, std::string> variables;
  TempDir home;
  std::function<net::ExchangeResponse(const net::ExchangeRequest&)> http =
      [](const net::ExchangeRequest&) -> net::ExchangeResponse {
    throw Error(ErrorKind::timeout, "nobody is there");
  };
  std::vector<net::ExchangeRequest> requests;
  std::vector<std::pair<Call, Value>> sts_calls;

  Value call(const Call& call, const Value& input, std::stop_token) override {
    sts_calls.emplace_back(call, input);
    return {{"Credentials",
             {{"AccessKeyId", "ASIA" + std::to_string(sts_calls.size())},
              {"SecretAccessKey", "role-secret"},
              {"SessionToken", "role-token"},
              {"Expiration", "2026-11-22T13:00:00Z"}}}};
  }
  void config(const std::string& text) { write_file(home.path() / ".aws/config", text); }
  void credentials(const std::string& text) { write_file(home.path() / ".aws/credentials", text); }

  std::shared_ptr<CredentialProvider> chain(const std::string& profile = {}) {
    return credential_chain(
        {.environment = [this](const std::string& name) -> std::optional<std::string> {
           auto found = variables.find(name);
           return found == variables.end() ? std::nullopt : std::optional(found->second);
         },
         .home = home.path(),
         .clock = &clock,
         .exchange =
             [this](const net::ExchangeRequest& request, std::stop_token) {
               requests.push_back(request);
               return http(request);
             },
         .caller = this,
         .profile = profile});
  }
  Credentials get(const std::string& profile = {}) { return chain(profile)->get({}); }
  Error refusal(const std::string& profile = {}) {
    try {
      get(profile);
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "nothing was thrown";
    return Error(ErrorKind::internal, "");
  }
};

constexpr const char* kAgentAnswer =
    R"({"AccessKeyId":"ASIAAGENT","SecretAccessKey":"agent-secret","Token":"agent-token",
        "Expiration":"2026-11-22T18:00:00Z"})";

TEST(Chain, NothingAnywhereSaysWhoWasAsked) {
  World world;
  Error error = world.refusal();
  EXPECT_EQ(error.kind(), ErrorKind::denied);
  EXPECT_EQ(error.notes().size(), 9u);
  EXPECT_THAT(error.full_text(), HasSubstr("environment: AWS_ACCESS_KEY_ID is not set"));
  EXPECT_THAT(error.full_text(), HasSubstr("instance metadata: "));
  EXPECT_THAT(error.hint(), HasSubstr("--profile"));
}

TEST(Chain, EnvironmentFirstUnlessAProfileIsGiven) {
  World world;
  world.variables = {{"AWS_ACCESS_KEY_ID", "AKENV"},
                     {"AWS_SECRET_ACCESS_KEY", "env-secret"},
                     {"AWS_SESSION_TOKEN", "env-token"}};
  world.credentials("[default]\naws_access_key_id=AKFILE\naws_secret_access_key=file-secret\n");
  EXPECT_EQ(world.get().access_key_id, "AKENV");
  EXPECT_EQ(world.get().session_token, "env-token");
  EXPECT_EQ(world.get("default").access_key_id, "AKFILE");
  world.variables.erase("AWS_SECRET_ACCESS_KEY");
  EXPECT_THAT(world.refusal().message(), HasSubstr("AWS_SECRET_ACCESS_KEY"));
}

TEST(Chain, ProfilesOfBothFiles) {
  World world;
  world.config(
      "[profile a]\nregion = eu-west-1\naws_access_key_id = AKCONF\n"
      "aws_secret_access_key = conf-secret\ns3 =\n  addressing_style = path\n"
      "[profile \"two words\"]\naws_access_key_id = AKTWO\naws_secret_access_key = two-secret\n");
  world.credentials("[a]\naws_access_key_id = AKCRED\naws_secret_access_key = cred-secret\n");
  EXPECT_EQ(world.get("a").access_key_id, "AKCRED");
  EXPECT_EQ(world.get("two words").access_key_id, "AKTWO");
  world.variables["AWS_PROFILE"] = "two words";
  EXPECT_EQ(world.get().access_key_id, "AKTWO");
  Error error = world.refusal("b");
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.hint(), HasSubstr("\"a\""));
  world.credentials("[a]\naws_access_key_id = AKCRED\n");
  EXPECT_THAT(world.refusal("a").message(), HasSubstr("aws_secret_access_key"));
}

TEST(Chain, FilesMayBeElsewhereOrBroken) {
  World world;
  write_file(world.home.path() / "mine",
             "[default]\naws_access_key_id=K\naws_secret_access_key=sss");
  world.variables["AWS_SHARED_CREDENTIALS_FILE"] = "~/mine";
  EXPECT_EQ(world.get().access_key_id, "K");
  world.config("[profile x\n");
  EXPECT_THAT(world.refusal().message(), HasSubstr("config:1"));
}

TEST(Chain, RolesThroughSourceProfiles) {
  World world;
  world.config(
      "[profile top]\nrole_arn = arn:aws:iam::111122223333:role/top\nsource_profile = mid\n"
      "external_id = ext\nrole_session_name = me\nduration_seconds = 7200\nregion = eu-west-1\n"
      "[profile mid]\nrole_arn = arn:aws:iam::111122223333:role/mid\nsource_profile = base\n"
      "[profile base]\naws_access_key_id = AKBASE\naws_secret_access_key = base-secret\n");
  Credentials credentials = world.get("top");
  EXPECT_EQ(credentials.access_key_id, "ASIA2");
  EXPECT_EQ(credentials.account_id, "111122223333");
  ASSERT_EQ(world.sts_calls.size(), 2u);
  const Value& mid = world.sts_calls[0].second;
  EXPECT_EQ(mid["RoleArn"], "arn:aws:iam::111122223333:role/mid");
  EXPECT_EQ(world.sts_calls[0].first.credentials->get({}).access_key_id, "AKBASE");
  const Value& top = world.sts_calls[1].second;
  EXPECT_EQ(top["ExternalId"], "ext");
  EXPECT_EQ(top["RoleSessionName"], "me");
  EXPECT_EQ(top["DurationSeconds"], 3600);  // asked 7200, but by a role
  EXPECT_EQ(world.sts_calls[1].first.region, "eu-west-1");
}

TEST(Chain, RolesThatCannotBe) {
  World world;
  std::string role = "role_arn = arn:aws:iam::111122223333:role/r\n";
  world.config("[profile a]\n" + role + "source_profile = b\n[profile b]\n" + role +
               "source_profile = a\n[profile none]\n" + role + "[profile both]\n" + role +
               "source_profile = a\ncredential_source = Environment\n[profile lost]\n" + role +
               "source_profile = nowhere\n[profile odd]\n" + role +
               "credential_source = Moon\n[profile mfa]\n" + role +
               "source_profile = a\nmfa_serial = x\n[profile self]\n" + role +
               "source_profile = self\naws_access_key_id = AK\naws_secret_access_key = secret\n");
  EXPECT_THAT(world.refusal("a").message(), HasSubstr("a -> b -> a"));
  EXPECT_THAT(world.refusal("none").message(), HasSubstr("neither"));
  EXPECT_THAT(world.refusal("both").message(), HasSubstr("both"));
  EXPECT_THAT(world.refusal("lost").message(), HasSubstr("nowhere"));
  EXPECT_THAT(world.refusal("odd").message(), HasSubstr("Moon"));
  EXPECT_THAT(world.refusal("mfa").message(), HasSubstr("MFA"));
  EXPECT_EQ(world.get("self").access_key_id, "ASIA1");
}

TEST(Chain, WebIdentity) {
  World world;
  write_file(world.home.path() / "token", "the-token\n");
  world.variables = {{"AWS_WEB_IDENTITY_TOKEN_FILE", (world.home.path() / "token").string()},
                     {"AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/pod"}};
  EXPECT_EQ(world.get().access_key_id, "ASIA1");
  EXPECT_EQ(world.sts_calls[0].first.operation, "AssumeRoleWithWebIdentity");
  EXPECT_EQ(world.sts_calls[0].second["WebIdentityToken"], "the-token");
  world.variables.erase("AWS_ROLE_ARN");
  EXPECT_EQ(world.refusal().kind(), ErrorKind::usage);
}

TEST(Chain, SingleSignOn) {
  World world;
  world.config(
      "[profile s]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Admin\n"
      "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp/start\n"
      "[profile old]\nsso_start_url = https://corp/start\nsso_region = eu-west-1\n"
      "sso_account_id = 111122223333\nsso_role_name = Admin\n[profile half]\nsso_role_name = A\n");
  EXPECT_THAT(world.refusal("s").hint(), HasSubstr("aws sso login --profile s"));
  auto cache = [&](const std::string& name, const std::string& expires) {
    write_file(world.home.path() / ".aws/sso/cache" / (sha1_hex(name) + ".json"),
               R"({"accessToken":"bearer","expiresAt":")" + expires + R"("})");
  };
  cache("corp", "2026-11-22T11:59:59Z");
  EXPECT_THAT(world.refusal("s").message(), HasSubstr("ended"));
  cache("corp", "2026-11-22T14:00:00Z");
  cache("https://corp/start", "2026-11-22T14:00:00UTC");
  world.http = [](const net::ExchangeRequest&) {
    return net::ExchangeResponse{.status = 200, .body = R"({"roleCredentials":{"accessKeyId":"ASSO",
        "secretAccessKey":"sso-secret","sessionToken":"sso-token","expiration":1795352400000}})"};
  };
  EXPECT_EQ(world.get("s").access_key_id, "ASSO");
  EXPECT_EQ(world.requests[0].url,
            "https://portal.sso.eu-west-1.amazonaws.com/federation/credentials"
            "?role_name=Admin&account_id=111122223333");
  EXPECT_THAT(world.requests[0].headers,
              ElementsAre(std::pair("x-amz-sso_bearer_token", "bearer")));
  EXPECT_EQ(world.get("old").access_key_id, "ASSO");
  EXPECT_THAT(world.refusal("half").message(), HasSubstr("sso_start_url"));
}

TEST(Chain, CredentialProcess) {
  World world;
  world.config(
      "[profile p]\ncredential_process = /bin/sh -c 'echo \"{\\\"Version\\\": 1, "
      "\\\"AccessKeyId\\\": \\\"AKPROC\\\", \\\"SecretAccessKey\\\": \\\"$0\\\"}\"' \"a secret\"\n"
      "[profile fails]\ncredential_process = /bin/sh -c 'echo sorry >&2; exit 3'\n"
      "[profile wrong]\ncredential_process = /bin/echo {\\\"Version\\\":2}\n");
  EXPECT_EQ(world.get("p").access_key_id, "AKPROC");
  EXPECT_EQ(world.get("p").secret_access_key, "a secret");
  EXPECT_THAT(world.refusal("fails").message(), HasSubstr("sorry"));
  EXPECT_THAT(world.refusal("wrong").message(), HasSubstr("Version"));
}

TEST(Chain, Container) {
  World world;
  world.http = [](const net::ExchangeRequest&) {
    return net::ExchangeResponse{.status = 200, .body = kAgentAnswer};
  };
  world.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/x";
  EXPECT_EQ(world.get().access_key_id, "ASIAAGENT");
  EXPECT_EQ(world.requests[0].url, "http://169.254.170.2/v2/credentials/x");
  EXPECT_FALSE(world.requests[0].use_proxy);
  world.variables = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.5:80/c"},
                     {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic abc"}};
  EXPECT_EQ(world.get().session_token, "agent-token");
  EXPECT_THAT(world.requests[1].headers.back(), testing::Pair("Authorization", "Basic abc"));
  for (const char* url : {"http://example.com/c", "http://169.254.169.254/", "ftp://localhost/",
                          "http://127.0.0.1.evil.com/", "http://localhost@evil.com/"}) {
    world.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = url;
    EXPECT_EQ(world.refusal().kind(), ErrorKind::usage) << url;
  }
}

/// An instance's metadata service.
net::ExchangeResponse metadata(const net::ExchangeRequest& request, int token_status) {
  bool put = request.method == "PUT";
  if (put) return {.status = token_status, .body = token_status == 200 ? "session" : "no"};
  bool proven = !request.headers.empty() && request.headers[0].second == "session";
  if (token_status == 200 && !proven) return {.status = 401};
  bool role = request.url.ends_with("/security-credentials/the-role");
  return {.status = 200, .body = role ? kAgentAnswer : "the-role"};
}

TEST(Chain, InstanceMetadata) {
  World world;
  int token_status = 200;
  world.http = [&](const net::ExchangeRequest& r) { return metadata(r, token_status); };
  EXPECT_EQ(world.get().access_key_id, "ASIAAGENT");
  ASSERT_EQ(world.requests.size(), 3u);
  EXPECT_EQ(world.requests[0].url, "http://169.254.169.254/latest/api/token");
  EXPECT_FALSE(world.requests[0].use_proxy);
  EXPECT_EQ(world.requests[0].time_limit, 1s);
  token_status = 403;  // an old service
  EXPECT_EQ(world.get().access_key_id, "ASIAAGENT");
  world.variables["AWS_EC2_METADATA_V1_DISABLED"] = "true";
  EXPECT_EQ(world.refusal().kind(), ErrorKind::denied);
  world.variables.clear();
  token_status = 400;
  EXPECT_EQ(world.refusal().kind(), ErrorKind::denied);
  world.variables["AWS_EC2_METADATA_DISABLED"] = "true";
  world.requests.clear();
  EXPECT_EQ(world.refusal().kind(), ErrorKind::denied);
  EXPECT_TRUE(world.requests.empty());
}

TEST(Chain, LastingKeysAreReadAgainWhenRefused) {
  World world;
  world.credentials("[default]\naws_access_key_id=AK1\naws_secret_access_key=secret\n");
  auto chain = world.chain();
  Credentials old = chain->get({});
  EXPECT_FALSE(chain->renew(old));
  world.credentials("[default]\naws_access_key_id=AK2\naws_secret_access_key=secret\n");
  EXPECT_TRUE(chain->renew(old));
  EXPECT_EQ(chain->get({}).access_key_id, "AK2");
}

struct Source {
  ManualClock clock{kNow};
  int fetched = 0;
  bool down = false;
  Duration life = 1h;
  RenewingCredentials provider{clock, [this](std::stop_token) {
                                 ++fetched;
                                 if (down) throw Error(ErrorKind::unavailable, "down");
                                 return Credentials{.access_key_id = "K" + std::to_string(fetched),
                                                    .expires = clock.now() + life};
                               }};
};

TEST(Renewing, FetchesBeforeTheEnd) {
  Source source;
  EXPECT_EQ(source.provider.get({}).access_key_id, "K1");
  source.clock.advance(44min);
  EXPECT_EQ(source.provider.get({}).access_key_id, "K1");
  source.clock.advance(2min);
  EXPECT_EQ(source.provider.get({}).access_key_id, "K2");
  source.life = 15min;  // must not be fetched at every call
  source.clock.advance(46min);
  EXPECT_EQ(source.provider.get({}).access_key_id, "K3");
  source.clock.advance(10min);
  EXPECT_EQ(source.provider.get({}).access_key_id, "K3");
}

TEST(Renewing, KeepsTheOldWhileTheyLast) {
  Source source;
  source.provider.get({});
  source.down = true;
  source.clock.advance(46min);
  EXPECT_EQ(source.provider.get({}).access_key_id, "K1");
  EXPECT_EQ(source.provider.get({}).access_key_id, "K1");
  EXPECT_EQ(source.fetched, 2);  // no hammering
  source.clock.advance(10min);
  EXPECT_EQ(source.provider.get({}).access_key_id, "K1");
  source.clock.advance(5min);
  EXPECT_THROW(source.provider.get({}), Error);
  source.down = false;
  EXPECT_EQ(source.provider.get({}).access_key_id, "K5");
}

TEST(Renewing, OneFetchForAllThreads) {
  ManualClock clock(kNow);
  std::atomic<int> fetched = 0;
  std::promise<void> go;
  auto gate = go.get_future().share();
  RenewingCredentials provider(clock, [&](std::stop_token) {
    ++fetched;
    gate.wait();
    return Credentials{.access_key_id = "K", .expires = clock.now() + 1h};
  });
  std::vector<std::future<Credentials>> results;
  for (int i = 0; i < 8; ++i) {
    results.push_back(std::async(std::launch::async, [&] { return provider.get({}); }));
  }
  std::stop_source stop;
  stop.request_stop();
  while (fetched == 0) std::this_thread::yield();
  EXPECT_THROW(provider.get(stop.get_token()), Error);  // waits for nobody
  go.set_value();
  for (auto& result : results) EXPECT_EQ(result.get().access_key_id, "K");
  EXPECT_EQ(fetched, 1);
}

TEST(Renewing, RefusedOnesAreDroppedOnce) {
  Source source;
  Credentials old = source.provider.get({});
  EXPECT_TRUE(source.provider.renew(old));
  EXPECT_EQ(source.provider.get({}).access_key_id, "K2");
  EXPECT_TRUE(source.provider.renew(old));  // somebody was faster
  EXPECT_EQ(source.provider.get({}).access_key_id, "K2");
}

TEST(AssumeRole, RefusesWhatStsWouldRefuse) {
  World world;
  auto source = std::make_shared<FixedCredentials>(Credentials{});
  Role good{.arn = "arn:aws:iam::111122223333:role/path/r", .session_name = {}, .external_id = {}};
  auto refused = [&](auto change) {
    Role role = good;
    change(role);
    EXPECT_THROW(assume_role(world, world.clock, role, source), Error);
  };
  assume_role(world, world.clock, good, source);
  refused([](Role& role) { role.arn = "r"; });
  refused([](Role& role) { role.arn = "arn:aws:iam::111122223333:user/u"; });
  refused([](Role& role) { role.session_name = "x"; });
  refused([](Role& role) { role.session_name = "with space"; });
  refused([](Role& role) { role.external_id = "!"; });
  refused([](Role& role) { role.duration = 10min; });
  refused([](Role& role) { role.duration = 13h; });
}

TEST(AssumeRole, OneSessionPerRole) {
  World world;
  RoleCache cache(world, world.clock);
  auto source = std::make_shared<FixedCredentials>(Credentials{});
  Role role{.arn = "arn:aws:iam::111122223333:role/r", .session_name = {}, .external_id = {}};
  EXPECT_EQ(cache.get(role, source), cache.get(role, source));
  cache.get(role, source)->get({});
  cache.get(role, source)->get({});
  EXPECT_EQ(world.sts_calls.size(), 1u);
  Role other = role;
  other.external_id = "ext";
  EXPECT_NE(cache.get(role, source), cache.get(other, source));
}

TEST(Profiles, ShellWords) {
  EXPECT_THAT(shell_words("a  'b c' \"d \\\" e\" f\\ g ''"),
              ElementsAre("a", "b c", "d \" e", "f g", ""));
  EXPECT_THROW(shell_words("a 'b"), Error);
}

TEST(Profiles, IniAsAwsToolsReadIt) {
  auto ini = parse_ini(
      "\xef\xbb\xbf# c\n[A]\nKey = v # no comment\n; c\nnested =\n  x = 1\n  y=2\n\nlast: "
      "3\r\n[A]\nz=",
      "f");
  EXPECT_EQ(ini["A"]["key"], "v # no comment");
  EXPECT_EQ(ini["A"]["nested.x"], "1");
  EXPECT_EQ(ini["A"]["nested.y"], "2");
  EXPECT_EQ(ini["A"]["last"], "3");
  EXPECT_EQ(ini["A"]["z"], "");
  EXPECT_THROW(parse_ini("key = 1", "f"), Error);
  EXPECT_THROW(parse_ini("[a]\nno equals sign", "f"), Error);
}

}  // namespace
}  // namespace hallmark::aws
