#include "pipeline/bundle.h"

#include <algorithm>

#include "audit/verify.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "disk/digest.h"
#include "pipeline/decision.h"
#include "pipeline/evidence.h"
#include "pipeline/placement.h"
#include "pipeline/subject.h"
#include "pipeline/users.h"

namespace hallmark::pipeline {

namespace {

/// Actions of who looks at evidence begin so. They are no part of it, or looking would change it.
constexpr std::string_view kLooks = "evidence.";

template <typename Use>
void each_audit_entry(const Context& context, Use use) {
  constexpr std::size_t kPage = 1000;
  std::int64_t after = 0;
  for (;;) {
    const std::vector<audit::Entry> page = context.audit.read(after, kPage);
    for (const audit::Entry& entry : page) {
      after = entry.sequence;
      use(entry, parse_json(entry.text, "audit log"));
    }
    if (page.size() < kPage) return;
  }
}

bool is_about(const Json& entry, const GoldenImage& image) {
  const auto subject = member<std::string>(entry, "subject");
  return subject == image.image_key || subject == image.run_id ||
         (!image.image_id.empty() && subject == image.image_id);
}

/// Other attempts at the same version have its name too.
bool is_of_run(const Json& entry, const GoldenImage& image) {
  const Json detail = member<Json>(entry, "detail");
  return !detail.contains("run_id") || detail["run_id"] == image.run_id;
}

std::string audit_entries(const Context& context, const GoldenImage& image) {
  std::string lines;
  each_audit_entry(context, [&](const audit::Entry& entry, const Json& json) {
    if (!is_about(json, image) || !is_of_run(json, image)) return;
    if (member<std::string>(json, "action").starts_with(kLooks)) return;
    lines += compact({{"entry", entry.text},
                      {"sequence", entry.sequence},
                      {"digest", entry.digest},
                      {"key_id", entry.key_id},
                      {"signature", entry.signature}}) +
             "\n";
  });
  return lines;
}

/// With the exact text that was signed, so that a user's signature can be checked by anybody.
Json decisions_with_proof(const Context& context, const GoldenImage& image) {
  const std::vector<User> users = list_users(context.database);
  Json decisions = Json::array();
  for (const Decision& decision : list_decisions(context.database, image.run_id)) {
    Json json = decision;
    json["statement"] = decision_statement(image, decision);
    for (const User& user : users) {
      if (user.public_key.id() == decision.proof.value("key_id", "")) {
        json["public_key"] = user.public_key.pem();
      }
    }
    decisions.push_back(std::move(json));
  }
  return decisions;
}

std::vector<Path> logs_in(const Path& directory) {
  std::vector<Path> logs;
  if (!std::filesystem::is_directory(directory)) return logs;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.is_regular_file()) logs.push_back(entry.path());
  }
  std::sort(logs.begin(), logs.end());
  return logs;
}

bool was_logged(const Context& context, const GoldenImage& image,
                const std::string& evidence_digest) {
  bool logged = false;
  each_audit_entry(context, [&](const audit::Entry&, const Json& json) {
    // Who looks is noted with whatever is there to look at.
    if (member<std::string>(json, "action").starts_with(kLooks)) return;
    logged =
        logged || (is_about(json, image) &&
                   member<Json>(json, "detail").value("evidence_digest", "") == evidence_digest);
  });
  return logged;
}

}  // namespace

SigningKey installation_key(const Context& context) {
  return SigningKey::read(context.audit.directory() / audit::kSigningKeyFile);
}

std::vector<PublicKey> installation_keys(const Context& context) {
  const PublicKey first = audit::first_key(context.audit.directory());
  const audit::VerifyReport report = audit::verify_log(context.audit, first);
  if (!report.intact()) {
    throw Error(ErrorKind::corrupt, "the audit log is not intact, so its keys prove nothing")
        .note(report.problems.front())
        .hint("pass --key FILE, a public key that was kept elsewhere");
  }
  std::vector<PublicKey> keys = {first};
  each_audit_entry(context, [&](const audit::Entry&, const Json& json) {
    if (member<std::string>(json, "action") != audit::kKeyRotated) return;
    keys.push_back(
        {base64_decode(member<std::string>(member<Json>(json, "detail"), "public_key"))});
  });
  return keys;
}

std::vector<evidence::File> bundle_files(const Context& context, const GoldenImage& image,
                                         const Path& log_directory) {
  std::vector<evidence::File> files;
  const Path directory = evidence_directory(context, image.run_id);
  for (const std::string& name : list_evidence_files(context, image.run_id)) {
    files.push_back({"record/" + name, read_file(directory / name)});
  }
  for (const Path& log : logs_in(log_directory)) {
    files.push_back({"logs/" + log.filename().string(), read_file(log)});
  }
  files.push_back({"decisions.json", pretty(decisions_with_proof(context, image)) + "\n"});
  files.push_back({"audit.jsonl", audit_entries(context, image)});
  return files;
}

BundleWritten write_image_bundle(const Context& context, const GoldenImage& image,
                                 const Path& directory, const Path& log_directory) {
  const evidence::Subject subject = make_subject(context, image);
  const SigningKey key = installation_key(context);
  std::vector<evidence::File> files = evidence::documents(subject, key);
  for (evidence::File& file : bundle_files(context, image, log_directory)) {
    files.push_back(std::move(file));
  }
  evidence::write_bundle(directory, subject, files, key);
  BundleWritten written{{}, key.public_key(), subject.disk_sha256};
  for (const evidence::File& file : files) written.files.push_back(file.name);
  std::sort(written.files.begin(), written.files.end());
  return written;
}

std::optional<evidence::Problem> compare_with_disk(const evidence::Verified& bundle,
                                                   disk::BlockReader& disk, const std::string& name,
                                                   std::stop_token stop) {
  if (bundle.disk_sha256.empty()) {
    return evidence::Problem{name, "nothing in the bundle says which disk it is about"};
  }
  const std::string digest = disk::disk_sha256(disk, stop);
  if (digest == bundle.disk_sha256) return std::nullopt;
  return evidence::Problem{name, "it is another disk: its bytes have the SHA-256 " + digest +
                                     ", those of the bundle's have " + bundle.disk_sha256};
}

std::vector<evidence::Problem> compare_with_record(const Context& context, const GoldenImage& image,
                                                   const evidence::Verified& bundle,
                                                   std::stop_token stop) {
  std::vector<evidence::Problem> problems;
  auto expect = [&](const char* what, const std::string& theirs, const std::string& ours) {
    if (theirs == ours) return;
    problems.push_back({"", fmt::format("its {} is {}, and the record of {} says {}", what, theirs,
                                        image.image_key, ours)});
  };
  expect("image", bundle.image_key, image.image_key);
  expect("image id", bundle.image_id, image.image_id);
  expect("evidence digest", bundle.evidence_digest, image.evidence_digest);
  try {
    read_evidence(context, image);
  } catch (const Error& e) {
    problems.push_back({"", "the evidence kept here: " + e.message()});
  }
  if (!was_logged(context, image, bundle.evidence_digest)) {
    problems.push_back({"", "the audit log does not know its evidence digest"});
  }
  if (image.state == GoldenState::decommissioned)
    return problems;  // its disk is gone, as it should
  try {
    auto disk = context.cloud.open_image(image.home, home_image_id(context, image));
    if (auto problem = compare_with_disk(bundle, *disk, "", stop)) {
      problem->what = fmt::format("the disk of {} in {}: {}", image.image_id,
                                  cloud::to_string(image.home), problem->what);
      problems.push_back(std::move(*problem));
    }
  } catch (const Error& e) {
    if (traits(e.kind()).retry || e.kind() == ErrorKind::cancelled) throw;
    problems.push_back({"", fmt::format("the disk of {} in {} cannot be read: {}", image.image_id,
                                        cloud::to_string(image.home), e.message())});
  }
  return problems;
}

void note_look(const Context& context, const GoldenImage& image, const std::string& who,
               const std::string& how) {
  context.audit.append(
      {.token = random_id("event"),
       .actor = who,
       .action = std::string(kLooks) + "read",
       .subject = image.image_key,
       .detail = {
           {"run_id", image.run_id}, {"evidence_digest", image.evidence_digest}, {"by", how}}});
}

}  // namespace hallmark::pipeline
