#include <arpa/inet.h>

#include <cstdlib>

#include "aws/credentials/renewing.h"
#include "aws/credentials/sources.h"
#include "aws/endpoint.h"
#include "aws/url.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"

namespace hallmark::aws {

using namespace std::chrono_literals;

namespace {

std::optional<std::string> variable(const SourceInput& input, const char* name) {
  auto value = input.context.environment(name);
  return value && !value->empty() ? value : std::nullopt;
}

std::string sso_token(const Path& file, const std::string& profile, TimePoint now) {
  std::string hint = "sign in with: aws sso login --profile " + profile;
  std::optional<std::string> text = read_file_if_exists(file);
  if (!text) {
    throw Error(ErrorKind::denied, "nobody has signed in for profile {}", profile).hint(hint);
  }
  Json json = parse_json(*text, file.string());
  std::string expires = replace_all(member<std::string>(json, "expiresAt"), "UTC", "Z");
  if (from_rfc3339(expires) <= now) {
    throw Error(ErrorKind::denied, "the sign-in for profile {} ended at {}", profile, expires)
        .hint(hint);
  }
  std::string token = member<std::string>(json, "accessToken");
  redact(token);
  return token;
}

struct SsoSettings {
  std::string cache_name;  ///< what the cached token's file is named after
  std::string region, account_id, role_name;
};

SsoSettings sso_settings(const SourceInput& input) {
  Settings values = input.profiles.profiles.at(input.profile);
  SsoSettings out;
  if (auto name = values.find("sso_session"); name != values.end()) {
    auto session = input.profiles.sso_sessions.find(name->second);
    if (session == input.profiles.sso_sessions.end()) {
      throw Error(ErrorKind::usage, "sso_session \"{}\" of profile {} does not exist", name->second,
                  input.profile);
    }
    out.cache_name = name->second;
    for (const auto& [key, value] : session->second) {
      auto [entry, fresh] = values.emplace(key, value);
      if (!fresh && entry->second != value) {
        throw Error(ErrorKind::usage, "{} is \"{}\" in profile {} and \"{}\" in its sso-session",
                    key, entry->second, input.profile, value);
      }
    }
  }
  std::vector<std::string> missing;
  auto take = [&](const char* key) {
    if (values[key].empty()) missing.emplace_back(key);
    return values[key];
  };
  std::string start_url = take("sso_start_url");
  out.region = take("sso_region");
  out.account_id = take("sso_account_id");
  out.role_name = take("sso_role_name");
  if (out.cache_name.empty()) out.cache_name = start_url;
  if (!missing.empty()) {
    throw Error(ErrorKind::usage, "profile {} signs in by SSO and lacks {}", input.profile,
                join(missing, ", "));
  }
  return out;
}

Credentials sso_credentials(const CredentialContext& context, const std::string& profile,
                            const SsoSettings& settings, std::stop_token stop) {
  Path file = context.home / ".aws/sso/cache" / (sha1_hex(settings.cache_name) + ".json");
  std::string token = sso_token(file, profile, context.clock->now());
  std::string base = context.environment("AWS_ENDPOINT_URL_SSO")
                         .value_or("https://portal.sso." + settings.region + "." +
                                   std::string(partition_of(settings.region).dns_suffix));
  NamedValues query = {{"role_name", settings.role_name}, {"account_id", settings.account_id}};
  net::ExchangeResponse response =
      context.exchange({.method = "GET",
                        .url = base + "/federation/credentials?" + encoded_query(query),
                        .headers = {{"x-amz-sso_bearer_token", token}},
                        .max_bytes = 1 << 20,
                        .time_limit = 30s},
                       stop);
  std::string source = "SSO, profile " + profile;
  if (response.status != 200) {
    throw Error(ErrorKind::denied, "the SSO portal refused role {} of account {}: status {}",
                settings.role_name, settings.account_id, response.status)
        .hint("sign in with: aws sso login --profile " + profile);
  }
  Json json = parse_json(response.body, source);
  Json given = member<Json>(json, "roleCredentials");
  Credentials out;
  out.access_key_id = member<std::string>(given, "accessKeyId");
  out.secret_access_key = member<std::string>(given, "secretAccessKey");
  out.session_token = member<std::string>(given, "sessionToken");
  out.expires = TimePoint(Duration(member<std::int64_t>(given, "expiration")));
  out.account_id = settings.account_id;
  out.source = source;
  out.is_role = true;
  redact(out.secret_access_key);
  redact(out.session_token);
  return out;
}

/// Over plain HTTP the credentials may come only from this machine or from the agents of ECS and
/// EKS.
void check_container_host(const std::string& url) {
  if (url.starts_with("https://")) return;
  std::string host = url.starts_with("http://") ? url.substr(7) : "";
  host = host.substr(0, host.find_first_of("/?#"));
  if (host.starts_with('[')) {
    host = host.substr(1, host.find(']') - 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  in_addr v4{};
  in6_addr v6{};
  bool loopback = (inet_pton(AF_INET, host.c_str(), &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127) ||
                  (inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6));
  for (const char* known : {"169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost"}) {
    loopback = loopback || host == known;
  }
  if (!loopback) {
    throw Error(ErrorKind::usage,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI points to \"{}\", which is neither https nor "
                "this machine",
                host);
  }
}

Credentials container_credentials(const CredentialContext& context, const std::string& url,
                                  std::stop_token stop) {
  net::ExchangeRequest request{.method = "GET",
                               .url = url,
                               .headers = {{"Accept", "application/json"}},
                               .max_bytes = 1 << 20,
                               .connect_limit = 2s,
                               .time_limit = 2s,
                               .use_proxy = false};
  std::optional<std::string> token;
  if (auto file = context.environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")) {
    token = read_file(*file);
  } else {
    token = context.environment("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  }
  if (token) {
    redact(*token);
    request.headers.emplace_back("Authorization", *token);
  }
  constexpr int kAttempts = 3;  // the agent may start after us
  for (int attempt = 1;; ++attempt) {
    try {
      net::ExchangeResponse response = context.exchange(request, stop);
      if (response.status != 200) {
        throw Error(ErrorKind::unavailable, "the container's agent answered with status {}: {}",
                    response.status, std::string_view(response.body).substr(0, 200));
      }
      Credentials out = credentials_from_json(response.body, {}, "the container's agent");
      out.is_role = true;
      return out;
    } catch (const Error& error) {
      bool final = error.kind() == ErrorKind::usage || error.kind() == ErrorKind::cancelled;
      if (attempt >= kAttempts || final) throw;
    }
    if (!context.clock->sleep_until(context.clock->now() + 1s, stop)) {
      throw Error(ErrorKind::cancelled, "stopped while asking the container's agent");
    }
  }
}

struct InstanceMetadata {
  const CredentialContext& context;
  std::string base;
  Duration limit = 1s;
  int attempts = 1;
  bool allow_v1 = true;

  std::optional<net::ExchangeResponse> ask(const char* method, const std::string& path,
                                           NamedValues headers, std::stop_token stop) const {
    for (int attempt = 1; attempt <= attempts; ++attempt) {
      try {
        net::ExchangeResponse response = context.exchange({.method = method,
                                                           .url = base + path,
                                                           .headers = headers,
                                                           .max_bytes = 1 << 20,
                                                           .connect_limit = limit,
                                                           .time_limit = limit,
                                                           .use_proxy = false},
                                                          stop);
        if (response.status < 500) return response;
      } catch (const Error& error) {
        if (error.kind() == ErrorKind::cancelled) throw;
      }
    }
    return std::nullopt;
  }

  /// The headers that prove a session; empty for version 1.
  NamedValues session(std::stop_token stop) const {
    auto response =
        ask("PUT", "/latest/api/token", {{"x-aws-ec2-metadata-token-ttl-seconds", "21600"}}, stop);
    if (response && response->status == 200) {
      return {{"x-aws-ec2-metadata-token", std::string(trim(response->body))}};
    }
    bool old =
        !response || response->status == 403 || response->status == 404 || response->status == 405;
    if (!old || !allow_v1) {
      throw Error(ErrorKind::denied, "the instance's metadata service gives no session{}",
                  response ? ": status " + std::to_string(response->status) : " in time");
    }
    return {};
  }

  std::string get(const std::string& path, const NamedValues& session, std::stop_token stop) const {
    auto response = ask("GET", path, session, stop);
    if (!response) throw Error(ErrorKind::unavailable, "no answer from {}", base);
    if (response->status != 200 || trim(response->body).empty()) {
      throw Error(ErrorKind::unavailable, "{} answered with status {}", base, response->status);
    }
    return response->body;
  }
};

Credentials instance_credentials(const InstanceMetadata& metadata, std::stop_token stop) {
  const std::string kPath = "/latest/meta-data/iam/security-credentials/";
  NamedValues session = metadata.session(stop);
  std::string role(trim(metadata.get(kPath, session, stop)));
  std::string text = metadata.get(kPath + percent_encode(role), session, stop);
  Credentials out = credentials_from_json(text, {}, "the instance's role " + role);
  out.is_role = true;
  // When the service that renews them is down, old ones are handed out and go on being accepted.
  TimePoint now = metadata.context.clock->now();
  if (out.expires && *out.expires < now + 15min) out.expires = now + 20min;
  return out;
}

InstanceMetadata metadata_service(const SourceInput& input) {
  InstanceMetadata out{input.context, "http://169.254.169.254"};
  auto mode = variable(input, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
  if (!mode) mode = input.profiles.setting(input.profile, "ec2_metadata_service_endpoint_mode");
  if (mode && to_lower(*mode) == "ipv6") out.base = "http://[fd00:ec2::254]";
  auto base = variable(input, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if (!base) base = input.profiles.setting(input.profile, "ec2_metadata_service_endpoint");
  if (base) out.base = base->ends_with('/') ? base->substr(0, base->size() - 1) : *base;
  auto v1_disabled = variable(input, "AWS_EC2_METADATA_V1_DISABLED");
  if (!v1_disabled) v1_disabled = input.profiles.setting(input.profile, "ec2_metadata_v1_disabled");
  out.allow_v1 = !is_true(v1_disabled);
  if (auto limit = variable(input, "AWS_METADATA_SERVICE_TIMEOUT")) {
    out.limit = std::chrono::seconds(std::clamp(std::atoi(limit->c_str()), 1, 60));
  }
  if (auto attempts = variable(input, "AWS_METADATA_SERVICE_NUM_ATTEMPTS")) {
    out.attempts = std::clamp(std::atoi(attempts->c_str()), 1, 10);
  }
  return out;
}

}  // namespace

Offer from_single_sign_on(const SourceInput& input) {
  auto has = [&](const char* key) {
    return input.profiles.setting(input.profile, key).has_value();
  };
  if (!has("sso_role_name") && !has("sso_account_id")) {
    return no("no sso_role_name in profile " + input.profile);
  }
  auto fetch = [context = input.context, profile = input.profile,
                settings = sso_settings(input)](std::stop_token stop) {
    return sso_credentials(context, profile, settings, stop);
  };
  return {std::make_shared<RenewingCredentials>(*input.context.clock, fetch), {}};
}

Offer from_container(const SourceInput& input) {
  std::string url;
  if (auto relative = variable(input, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")) {
    url = "http://169.254.170.2" + *relative;
  } else if (auto full = variable(input, "AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
    check_container_host(*full);
    url = *full;
  } else {
    return no("no AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI");
  }
  auto fetch = [context = input.context, url](std::stop_token stop) {
    return container_credentials(context, url, stop);
  };
  return {std::make_shared<RenewingCredentials>(*input.context.clock, fetch), {}};
}

Offer from_instance_metadata(const SourceInput& input, std::stop_token stop) {
  if (is_true(variable(input, "AWS_EC2_METADATA_DISABLED"))) {
    return no("AWS_EC2_METADATA_DISABLED is true");
  }
  auto context = std::make_shared<CredentialContext>(input.context);
  InstanceMetadata found = metadata_service(input);
  auto fetch = [context, base = found.base, limit = found.limit, attempts = found.attempts,
                v1 = found.allow_v1](std::stop_token token) {
    return instance_credentials({*context, base, limit, attempts, v1}, token);
  };
  auto provider = std::make_shared<RenewingCredentials>(*input.context.clock, fetch);
  try {
    provider->get(stop);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled) throw;
    return no(error.message());
  }
  return {provider, {}};
}

}  // namespace hallmark::aws
