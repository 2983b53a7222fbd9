#include "app/server_config.h"

#include "app/aws_access.h"
#include "app/config.h"
#include "app/secrets.h"

namespace hallmark::app {

namespace {

/// Throws `usage` as `wrong` has it for what is no right.
std::vector<server::Right> rights_from(const Json& texts) {
  std::vector<server::Right> rights;
  for (const Json& text : texts) rights.push_back(server::parse_right(text.get<std::string>()));
  return rights;
}

/// AWS is asked only if the secret is there; each time anew, which is once for each who signs in.
std::function<std::string(std::stop_token)> secret_of(const Config& config, cli::App& app,
                                                      const std::string& reference) {
  if (reference.empty()) return {};
  return [config, reference, &clock = app.clock](std::stop_token stop) {
    auto aws = [&]() -> std::shared_ptr<aws::Caller> {
      auto access =
          std::make_shared<AwsAccess>(config.cloud.aws, config.cloud.regions.front(), clock);
      return {access, &access->client};
    };
    return secret_value(reference,
                        {.directory = config.file.parent_path(),
                         .aws = aws,
                         .aws_region = config.cloud.regions.front()},
                        std::move(stop));
  };
}

std::optional<server::OidcConfig> oidc_from(const Config& config, cli::App& app) {
  const Json& json = config.oidc;
  if (json.is_null()) return std::nullopt;
  auto text = [&](const char* key, const std::string& otherwise) {
    return json.value(key, otherwise);
  };
  if (config.server_url.empty()) {
    throw Error(ErrorKind::usage, "{} has server.oidc, and does not say server.url",
                config.file.string())
        .hint("the provider sends browsers back there");
  }
  server::OidcConfig oidc{.name = text("name", text("issuer", "")),
                          .issuer = text("issuer", ""),
                          .client_id = text("client_id", ""),
                          .client_secret = secret_of(config, app, text("client_secret", "")),
                          .redirect_url = config.server_url + "/api/v1/sign-in/callback",
                          .ca_file = text("ca_file", "")};
  oidc.scopes = json.value("scopes", oidc.scopes);
  oidc.user_claim = text("user_claim", oidc.user_claim);
  oidc.groups_claim = text("groups_claim", oidc.groups_claim);
  if (!oidc.ca_file.empty()) {
    oidc.ca_file = (config.file.parent_path() / oidc.ca_file).string();
  }
  try {
    server::require_safe_url(oidc.issuer, "the issuer");
    server::require_safe_url(oidc.redirect_url, "server.url");
    for (const auto& [group, roles] : json.at("roles").items()) {
      oidc.roles[group] = rights_from(roles);
    }
  } catch (const Error& error) {
    throw Error(error.kind(), "{}: server.oidc: {}", config.file.string(), error.message())
        .hint(error.hint());
  }
  return oidc;
}

}  // namespace

server::Settings read_server_settings(cli::App& app) {
  const Config config = load_config(app.state_directory);
  return {.oidc = oidc_from(config, app), .allow_private = config.server_allow_private};
}

}  // namespace hallmark::app
