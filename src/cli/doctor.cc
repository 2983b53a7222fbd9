/// hallmark doctor.

#include <algorithm>

#include "base/certificate.h"
#include "cli/nouns.h"
#include "cli/table.h"

namespace hallmark::cli {

namespace {

/// A certificate that ends sooner is to be renewed now.
constexpr Duration kRenewal = std::chrono::days(14);

MachineCheck check_tls(const std::string& certificate, const std::string& key, TimePoint now) {
  MachineCheck check{.name = "TLS files", .state = "missing"};
  try {
    const CertificateFacts facts = read_certificate(certificate, key);
    check.detail = facts.subject + ", until " + to_rfc3339(facts.not_after);
    check.state = facts.not_after <= now              ? "missing"
                  : facts.not_after <= now + kRenewal ? "warning"
                                                      : "ok";
    if (check.state != "ok") check.way_out = "renew the certificate, and start the server again";
  } catch (const Error& error) {
    check.detail = error.message();
    check.way_out = "the server's --tls-cert and --tls-key take PEM files that its user can read";
  }
  return check;
}

Outcome examine(App& app, const Arguments& arguments) {
  Json checks = Json::array();
  bool missing = false;
  std::vector<MachineCheck> made = app.examine_machine();
  const auto certificate = arguments.value("--tls-cert");
  const auto key = arguments.value("--tls-key");
  if (certificate.has_value() != key.has_value()) {
    throw Error(ErrorKind::usage, "--tls-cert and --tls-key go together");
  }
  if (certificate) made.push_back(check_tls(*certificate, *key, app.clock.now()));
  for (const MachineCheck& check : made) {
    checks.push_back({{"name", check.name},
                      {"state", check.state},
                      {"detail", check.detail},
                      {"way_out", check.way_out}});
    missing = missing || check.state == "missing";
  }
  return {{{"checks", checks}, {"ready", !missing}},
          missing ? traits(ErrorKind::unavailable).exit_code : 0};
}

void render(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& check : record.at("checks")) {
    auto text = [&](const char* key) { return check.at(key).get<std::string>(); };
    rows.push_back({text("name"), state_cell(text("state")), text("detail")});
  }
  print_table(app.out, {"WHAT", "STATE", "FOUND"}, rows);
  for (const Json& check : record.at("checks")) {
    std::string way_out = check.at("way_out");
    if (way_out.empty()) continue;
    app.out.stream << '\n' << check.at("name").get<std::string>() << ": " << way_out << '\n';
  }
  app.out.stream << '\n'
                 << (record.at("ready").get<bool>() ? "this machine can do the work\n"
                                                    : "something is missing\n");
}

}  // namespace

std::vector<Command> doctor_commands() {
  return {
      {.noun = "doctor",
       .verb = "",
       .summary = "Check what this machine has and lacks for the work.",
       .examples = {{"hallmark doctor", "Says what is missing and the way out."},
                    {"hallmark doctor --tls-cert cert.pem --tls-key key.pem",
                     "Also looks at what a server is to be started with."}},
       .options = {{"--tls-cert", "FILE", "the server's certificate"},
                   {"--tls-key", "FILE", "its private key"}},
       .exits = {{ErrorKind::unavailable, "something is missing"}},
       .run = examine,
       .render = render},
  };
}

}  // namespace hallmark::cli
