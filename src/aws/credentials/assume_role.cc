#include "aws/credentials/assume_role.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "aws/credentials/renewing.h"
#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/text.h"

namespace hallmark::aws {

using namespace std::chrono_literals;

namespace {

// Of STS: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
constexpr std::chrono::seconds kShortest = 15min;
constexpr std::chrono::seconds kLongest = 12h;
constexpr std::chrono::seconds kLongestWhenChained = 1h;

bool only_has(std::string_view text, std::string_view extra) {
  return std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || extra.find(static_cast<char>(c)) != extra.npos;
  });
}

void check(Role& role) {
  if (role.session_name.empty()) role.session_name = "hallmark";
  std::vector<std::string> parts = split(role.arn, ':');
  if (parts.size() < 6 || parts[0] != "arn" || parts[2] != "iam" ||
      !parts[5].starts_with("role/")) {
    throw Error(ErrorKind::usage, "\"{}\" is not the ARN of a role", role.arn)
        .hint("it looks like arn:aws:iam::123456789012:role/name");
  }
  std::size_t name = role.session_name.size();
  if (name < 2 || name > 64 || !only_has(role.session_name, "+=,.@-")) {
    throw Error(ErrorKind::usage, "\"{}\" is not a role session name: 2 to 64 of A-Za-z0-9_+=,.@-",
                role.session_name);
  }
  std::size_t id = role.external_id.size();
  if (id != 0 && (id < 2 || id > 1224 || !only_has(role.external_id, "+=,.@:/-"))) {
    throw Error(ErrorKind::usage, "the external id for {} is none: 2 to 1224 of A-Za-z0-9_+=,.@:/-",
                role.arn);
  }
  if (role.duration < kShortest || role.duration > kLongest) {
    throw Error(ErrorKind::usage, "a session of a role lasts 900 to 43200 seconds, not {}",
                role.duration.count());
  }
}

TimePoint time_from(const Value& value) {
  if (value.is_string()) return from_rfc3339(value.get<std::string>());
  return TimePoint(Duration(static_cast<std::int64_t>(value.get<double>() * 1000)));
}

Credentials credentials_from(const Value& answer, const Role& role, std::string source) {
  try {
    const Value& given = answer.at("Credentials");
    Credentials out;
    out.access_key_id = given.at("AccessKeyId").get<std::string>();
    out.secret_access_key = given.at("SecretAccessKey").get<std::string>();
    out.session_token = given.at("SessionToken").get<std::string>();
    out.expires = time_from(given.at("Expiration"));
    out.account_id = split(role.arn, ':').at(4);
    out.source = std::move(source);
    out.is_role = true;
    redact(out.secret_access_key);
    redact(out.session_token);
    return out;
  } catch (const nlohmann::json::exception& e) {
    throw Error(ErrorKind::corrupt, "STS answered without credentials for {}: {}", role.arn,
                e.what());
  }
}

}  // namespace

std::shared_ptr<CredentialProvider> assume_role(Caller& caller, Clock& clock, Role role,
                                                std::shared_ptr<CredentialProvider> source) {
  check(role);
  auto fetch = [&caller, role, source](std::stop_token stop) {
    Credentials base = source->get(stop);
    std::chrono::seconds duration = role.duration;
    if (base.is_role && duration > kLongestWhenChained) {
      duration = kLongestWhenChained;
      log_debug("{} is asked for by a role, so its session lasts one hour", role.arn);
    }
    Value input = {{"RoleArn", role.arn},
                   {"RoleSessionName", role.session_name},
                   {"DurationSeconds", duration.count()}};
    if (!role.external_id.empty()) input["ExternalId"] = role.external_id;
    try {
      Value answer = caller.call({"sts", "AssumeRole", role.region, source}, input, stop);
      return credentials_from(answer, role, "role " + role.arn + " through " + base.source);
    } catch (Error& error) {
      error.note("while becoming " + role.arn + " with credentials from " + base.source);
      if (error.kind() == ErrorKind::denied && error.hint().empty()) {
        error.hint(
            "the role's trust policy must name the caller (and the external id), and the caller's "
            "own policy must allow sts:AssumeRole on it");
      }
      throw;
    }
  };
  return std::make_shared<RenewingCredentials>(clock, fetch);
}

std::shared_ptr<CredentialProvider> assume_role_with_web_identity(Caller& caller, Clock& clock,
                                                                  Role role,
                                                                  std::string token_file) {
  check(role);
  auto fetch = [&caller, role, token_file](std::stop_token stop) {
    Value input = {{"RoleArn", role.arn},
                   {"RoleSessionName", role.session_name},
                   {"WebIdentityToken", std::string(trim(read_file(token_file)))}};
    if (role.duration != 1h) input["DurationSeconds"] = role.duration.count();
    try {
      Value answer = caller.call({"sts", "AssumeRoleWithWebIdentity", role.region,
                                  std::make_shared<FixedCredentials>(Credentials{})},
                                 input, stop);
      return credentials_from(answer, role, "role " + role.arn + " through a web identity");
    } catch (Error& error) {
      error.note("while becoming " + role.arn + " with the web identity in " + token_file);
      throw;
    }
  };
  return std::make_shared<RenewingCredentials>(clock, fetch);
}

std::shared_ptr<CredentialProvider> RoleCache::get(
    const Role& role, const std::shared_ptr<CredentialProvider>& source) {
  std::lock_guard lock(mutex_);
  auto& provider = roles_[{role, source}];
  if (!provider) provider = assume_role(caller_, clock_, role, source);
  return provider;
}

}  // namespace hallmark::aws
