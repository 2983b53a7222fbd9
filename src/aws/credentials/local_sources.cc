#include <charconv>

#include "aws/credentials/assume_role.h"
#include "aws/credentials/renewing.h"
#include "aws/credentials/sources.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/process.h"
#include "base/text.h"

namespace hallmark::aws {

using namespace std::chrono_literals;

namespace {

// A process may ask a person's token; one that hangs must not hang us for ever.
constexpr Duration kProcessLimit = 1min;

Offer fixed(Credentials credentials) {
  redact(credentials.secret_access_key);
  redact(credentials.session_token);
  return {std::make_shared<FixedCredentials>(std::move(credentials)), {}};
}

std::optional<std::string> non_empty(std::optional<std::string> text) {
  return text && !text->empty() ? text : std::nullopt;
}

std::optional<std::string> setting(const SourceInput& input, const char* key) {
  return non_empty(input.profiles.setting(input.profile, key));
}

/// Keys that stand in a section of a file.
Offer from_section(const std::map<std::string, Settings>& sections, const std::string& profile,
                   const std::string& file) {
  auto section = sections.find(profile);
  if (section == sections.end()) return no("no section for profile " + profile);
  auto value = [&](const char* key) {
    auto found = section->second.find(key);
    return found == section->second.end() ? std::string() : found->second;
  };
  if (value("aws_access_key_id").empty()) return no("no aws_access_key_id in profile " + profile);
  if (value("aws_secret_access_key").empty()) {
    throw Error(ErrorKind::denied, "profile {} in the {} has no aws_secret_access_key", profile,
                file);
  }
  return fixed({.access_key_id = value("aws_access_key_id"),
                .secret_access_key = value("aws_secret_access_key"),
                .session_token = value("aws_session_token"),
                .account_id = value("aws_account_id"),
                .source = "profile " + profile + " in the " + file});
}

bool has_role(const SourceInput& input) {
  return setting(input, "role_arn") && !setting(input, "web_identity_token_file");
}

bool has_keys(const SourceInput& input) {
  return setting(input, "aws_access_key_id") || setting(input, "aws_secret_access_key");
}

std::chrono::seconds duration_of(const SourceInput& input) {
  std::optional<std::string> text = setting(input, "duration_seconds");
  if (!text) return 1h;
  long seconds = 0;
  auto [end, failure] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (failure != std::errc() || end != text->data() + text->size()) {
    throw Error(ErrorKind::usage, "duration_seconds of profile {} is \"{}\", not a number",
                input.profile, *text);
  }
  return std::chrono::seconds(seconds);
}

Offer role_of(const SourceInput& input, std::vector<std::string> visited);

/// The credentials with which a profile becomes its role.
std::shared_ptr<CredentialProvider> source_of_role(const SourceInput& input,
                                                   std::vector<std::string> visited) {
  auto source_profile = setting(input, "source_profile");
  auto credential_source = setting(input, "credential_source");
  if (source_profile.has_value() == credential_source.has_value()) {
    throw Error(ErrorKind::usage,
                "profile {} has a role_arn and {} source_profile and credential_source",
                input.profile, source_profile ? "both" : "neither")
        .hint("say in ~/.aws/config with exactly one of them whose credentials become the role");
  }
  if (credential_source) {
    Offer offer;
    if (*credential_source == "Environment") {
      offer = from_environment(input);
    } else if (*credential_source == "EcsContainer") {
      offer = from_container(input);
    } else if (*credential_source == "Ec2InstanceMetadata") {
      offer = from_instance_metadata(input, {});
    } else {
      throw Error(ErrorKind::usage, "credential_source of profile {} is \"{}\"", input.profile,
                  *credential_source)
          .hint("it is Environment, EcsContainer or Ec2InstanceMetadata");
    }
    if (!offer.provider) {
      throw Error(ErrorKind::denied, "profile {} takes its credentials from {}: {}", input.profile,
                  *credential_source, offer.why_not);
    }
    return offer.provider;
  }
  if (!input.profiles.profiles.contains(*source_profile)) {
    throw Error(ErrorKind::usage, "source_profile \"{}\" of profile {} does not exist",
                *source_profile, input.profile);
  }
  SourceInput next{input.context, input.profiles, *source_profile, false};
  bool seen = std::find(visited.begin(), visited.end(), *source_profile) != visited.end();
  // A profile may name itself: its own keys become its role.
  bool itself = *source_profile == input.profile && has_keys(next);
  if (seen && !itself) {
    throw Error(ErrorKind::usage, "the profiles {} -> {} go round in a circle",
                join(visited, " -> "), *source_profile)
        .hint("one of them must have credentials of its own instead of a source_profile");
  }
  Offer offer;
  if (has_role(next) && !has_keys(next)) {
    visited.push_back(*source_profile);
    offer = role_of(next, visited);
  } else {
    offer = from_profile(next);
  }
  if (!offer.provider) {
    throw Error(ErrorKind::denied, "source_profile {} of profile {} has no credentials",
                *source_profile, input.profile);
  }
  return offer.provider;
}

Offer role_of(const SourceInput& input, std::vector<std::string> visited) {
  if (setting(input, "mfa_serial")) {
    throw Error(ErrorKind::usage, "profile {} wants a code from an MFA device", input.profile)
        .hint(
            "get a session with the AWS CLI and give it in the environment or with "
            "credential_process");
  }
  Role role{.arn = *setting(input, "role_arn"),
            .session_name = setting(input, "role_session_name").value_or(""),
            .external_id = setting(input, "external_id").value_or(""),
            .duration = duration_of(input),
            .region = sts_region(input)};
  auto source = source_of_role(input, std::move(visited));
  return {assume_role(*input.context.caller, *input.context.clock, role, source), {}};
}

}  // namespace

Credentials credentials_from_json(const std::string& text, const CredentialNames& names,
                                  const std::string& source) {
  Json json = parse_json(text, source);
  auto read = [&](const char* name, bool required) {
    auto found = json.is_object() ? json.find(name) : json.end();
    if (found != json.end() && found->is_string()) return found->get<std::string>();
    if (required) {
      throw Error(ErrorKind::corrupt, "{} answered without {}{}", source, name,
                  json.contains("Message") && json["Message"].is_string()
                      ? ": " + json["Message"].get<std::string>()
                      : "");
    }
    return std::string();
  };
  Credentials out;
  out.access_key_id = read(names.key, true);
  out.secret_access_key = read(names.secret, true);
  out.session_token = read(names.token, names.token_required);
  std::string expires = read(names.expires, false);
  if (!expires.empty()) {
    if (expires.ends_with("+00:00")) expires.replace(expires.size() - 6, 6, "Z");
    out.expires = from_rfc3339(expires);
  }
  out.account_id = read("AccountId", false);
  out.source = source;
  redact(out.secret_access_key);
  redact(out.session_token);
  return out;
}

std::string sts_region(const SourceInput& input) {
  std::string region =
      choose_region(input.context.region, input.profiles, input.profile, input.context.environment);
  return region.empty() ? "us-east-1" : region;
}

Offer from_environment(const SourceInput& input) {
  auto variable = [&](const char* name) { return non_empty(input.context.environment(name)); };
  auto key = variable("AWS_ACCESS_KEY_ID");
  if (!key) return no("AWS_ACCESS_KEY_ID is not set");
  auto secret = variable("AWS_SECRET_ACCESS_KEY");
  if (!secret) {
    throw Error(ErrorKind::denied, "AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not");
  }
  auto token = variable("AWS_SESSION_TOKEN");
  if (!token) token = variable("AWS_SECURITY_TOKEN");
  return fixed({.access_key_id = *key,
                .secret_access_key = *secret,
                .session_token = token.value_or(""),
                .account_id = variable("AWS_ACCOUNT_ID").value_or(""),
                .source = "the environment"});
}

Offer from_role(const SourceInput& input) {
  if (!has_role(input)) return no("no role_arn in profile " + input.profile);
  return role_of(input, {input.profile});
}

Offer from_web_identity(const SourceInput& input) {
  auto value = [&](const char* variable, const char* key) {
    auto found = input.use_environment ? non_empty(input.context.environment(variable))
                                       : std::optional<std::string>();
    return found ? found : setting(input, key);
  };
  auto file = value("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file");
  if (!file) return no("no AWS_WEB_IDENTITY_TOKEN_FILE and no web_identity_token_file");
  auto arn = value("AWS_ROLE_ARN", "role_arn");
  if (!arn) {
    throw Error(ErrorKind::usage, "there is a web identity in {}, and no role to become", *file)
        .hint("set AWS_ROLE_ARN, or role_arn in the profile");
  }
  Role role{.arn = *arn,
            .session_name = value("AWS_ROLE_SESSION_NAME", "role_session_name").value_or(""),
            .external_id = {},
            .duration = 1h,
            .region = sts_region(input)};
  return {assume_role_with_web_identity(*input.context.caller, *input.context.clock, role,
                                        expand_home(*file, input.context.home)),
          {}};
}

Offer from_credentials_file(const SourceInput& input) {
  return from_section(input.profiles.credentials_only, input.profile, "credentials file");
}

Offer from_config_file(const SourceInput& input) {
  return from_section(input.profiles.config_only, input.profile, "config file");
}

Offer from_credential_process(const SourceInput& input) {
  auto command = setting(input, "credential_process");
  if (!command) return no("no credential_process in profile " + input.profile);
  std::string source = "credential_process of profile " + input.profile;
  auto fetch = [words = shell_words(*command), source](std::stop_token stop) {
    ProcessSpec spec{.argv = words, .time_limit = kProcessLimit};
    ProcessResult result = run_process(spec, stop);
    if (result.exit_code != 0) {
      throw Error(ErrorKind::denied, "{} ended with {}: {}", source, result.exit_code,
                  trim(result.err));
    }
    Json json = parse_json(result.out, source);
    if (!json.is_object() || json.value("Version", Json()) != 1) {
      throw Error(ErrorKind::denied, "{} did not answer with \"Version\": 1", source);
    }
    return credentials_from_json(result.out, {.token = "SessionToken", .token_required = false},
                                 source);
  };
  return {std::make_shared<RenewingCredentials>(*input.context.clock, fetch), {}};
}

Offer from_profile(const SourceInput& input) {
  for (auto source : {from_web_identity, from_single_sign_on, from_credentials_file,
                      from_credential_process, from_config_file}) {
    Offer offer = source(input);
    if (offer.provider) return offer;
  }
  return no("profile " + input.profile + " has no credentials");
}

}  // namespace hallmark::aws
