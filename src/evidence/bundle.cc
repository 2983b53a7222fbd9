#include "evidence/bundle.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/ids.h"
#include "evidence/attestation.h"
#include "evidence/documents.h"
#include "evidence/dsse.h"
#include "evidence/report_html.h"

namespace hallmark::evidence {
namespace {

constexpr const char* kFormat = "hallmark-evidence-v1";
/// How the names of signed statements end.
constexpr std::string_view kStatement = ".intoto.dsse.json";

/// Whether a name of a manifest, which may be anybody's, stays inside of the directory.
bool is_inside(const std::string& name) {
  const Path path(name);
  if (name.empty() || path.is_absolute() || name.find('\0') != std::string::npos) return false;
  return path.lexically_normal().string() == name &&
         std::none_of(path.begin(), path.end(),
                      [](auto& part) { return part == ".." || part == "." || part.empty(); });
}

/// Every file, link and whatever else stands below the directory; true: an ordinary file. What
/// cannot be looked into is a problem.
void find_files(const Path& directory, const std::string& prefix,
                std::map<std::string, bool>& files, std::vector<Problem>& problems) {
  std::error_code error;
  std::filesystem::directory_iterator entries(directory / prefix, error);
  while (!error && entries != std::filesystem::directory_iterator()) {
    const std::string name = prefix + entries->path().filename().string();
    const std::filesystem::file_status status = entries->symlink_status(error);
    if (error) break;
    if (std::filesystem::is_directory(status)) {
      find_files(directory, name + "/", files, problems);
    } else {
      files[name] = std::filesystem::is_regular_file(status);
    }
    entries.increment(error);
  }
  if (error) problems.push_back({prefix, "it cannot be read: " + error.message()});
}

/// A scanner's name as a part of a file's.
std::string file_name(const std::string& scanner) {
  constexpr std::size_t kLongest = 40;
  std::string name = scanner.substr(0, kLongest);
  std::replace_if(
      name.begin(), name.end(),
      [](char c) { return !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')); }, '-');
  return name;
}

class Verifier {
 public:
  Verifier(const Path& directory, const PublicKey& trusted)
      : directory_(directory), trusted_(trusted) {
    find_files(directory, "", there_, verified_.problems);
  }

  Verified verify() {
    if (std::optional<Json> manifest = read_manifest()) {
      try {
        check_manifest(*manifest);
      } catch (const Error& e) {
        problem(kManifest, e.message());
      }
    }
    return std::move(verified_);
  }

 private:
  void problem(const std::string& file, std::string what) {
    verified_.problems.push_back({file, std::move(what)});
  }

  /// Nothing if it is missing, or if reading it would follow a link to elsewhere.
  std::optional<std::string> content(const std::string& name) {
    auto known = there_.find(name);
    if (known == there_.end()) {
      problem(name, "it is missing");
      return std::nullopt;
    }
    if (!known->second) {
      problem(name, "it is no ordinary file");
      return std::nullopt;
    }
    try {
      return read_file(directory_ / name);
    } catch (const Error& e) {
      problem(name, e.message());
      return std::nullopt;
    }
  }

  std::optional<Json> read_manifest() {
    const std::optional<std::string> text = content(kManifest);
    const std::optional<std::string> envelope = content(kSignedManifest);
    if (!text || !envelope) return std::nullopt;
    try {
      if (open_sealed(*envelope, kManifestType, trusted_, kSignedManifest) != *text) {
        problem(kManifest, "it is not the manifest that was signed");
        return std::nullopt;
      }
      return parse_json(*text, kManifest);
    } catch (const Error& e) {
      problem(kSignedManifest, e.message());
      return std::nullopt;
    }
  }

  void check_manifest(const Json& manifest) {
    if (const auto format = member<std::string>(manifest, "format"); format != kFormat) {
      return problem(kManifest, fmt::format("its format is {}, not {}", format, kFormat));
    }
    verified_.image_key = member<std::string>(manifest, "image_key");
    verified_.image_id = member<std::string>(manifest, "image_id");
    verified_.disk_sha256 = member<std::string>(manifest, "disk_sha256");
    verified_.disk_digest_of = member<std::string>(manifest, "disk_digest_of");
    verified_.evidence_digest = member<std::string>(manifest, "evidence_digest");
    verified_.made_at = member<std::string>(manifest, "made_at");
    for (const Json& file : member<Json>(manifest, "files")) check_file(file);
    for (const auto& [name, is_ordinary] : there_) {
      if (!listed_.contains(name) && name != kManifest && name != kSignedManifest) {
        problem(name, "the manifest does not list it");
      }
    }
    verified_.file_count = listed_.size();
  }

  void check_file(const Json& file) {
    const auto name = member<std::string>(file, "name");
    if (!is_inside(name)) return problem(name, "its name leads out of the bundle");
    if (!listed_.emplace(name, true).second) return problem(name, "the manifest lists it twice");
    const std::optional<std::string> text = content(name);
    if (!text) return;
    if (text->size() != member<std::uint64_t>(file, "size_bytes")) {
      problem(name, "it has another size than the manifest says");
    } else if (sha256_hex(*text) != member<std::string>(file, "sha256")) {
      problem(name, "it was changed");
    } else if (name.ends_with(kStatement)) {
      check_statement(name, *text);
    }
  }

  void check_statement(const std::string& name, const std::string& text) {
    try {
      const Json statement = parse_json(open_sealed(text, kInTotoType, trusted_, name), name);
      const Json subjects = member<Json>(statement, "subject");
      const bool is_ours = subjects.is_array() && subjects.size() == 1 &&
                           member<std::string>(member<Json>(subjects[0], "digest"), "sha256") ==
                               verified_.disk_sha256;
      if (!is_ours) problem(name, "it is about another image");
    } catch (const Error& e) {
      problem(name, e.message());
    }
  }

  const Path& directory_;
  const PublicKey& trusted_;
  std::map<std::string, bool> there_;
  std::map<std::string, bool> listed_;
  Verified verified_;
};

}  // namespace

std::vector<File> documents(const Subject& subject, const SigningKey& key) {
  std::vector<File> files;
  auto document = [&](const char* name, const Json& json) {
    files.push_back({name, pretty(json) + "\n"});
  };
  document("sbom.cdx.json", cyclonedx(subject));
  document("sbom.spdx.json", spdx(subject));
  document("findings.sarif", sarif(subject));
  files.push_back({"report.html", report_html(subject)});
  if (const std::optional<Json> vex = openvex(subject)) document("findings.openvex.json", *vex);
  if (subject.disk_sha256.empty()) return files;

  std::vector<Input> inputs;
  auto statement = [&](const std::string& name, const Json& json) {
    files.push_back({name + std::string(kStatement), seal(kInTotoType, compact(json), key)});
    inputs.push_back({files.back().name, sha256_hex(files.back().content)});
  };
  statement("provenance", provenance(subject));
  for (std::size_t i = 0; i < subject.assessments.size(); ++i) {
    const std::optional<Json> found = vulnerabilities(subject, i);
    if (!found) continue;
    statement(
        fmt::format("vulnerabilities-{}-{}", i + 1, file_name(subject.assessments[i].scanner)),
        *found);
  }
  if (const std::optional<Json> summary = verification_summary(subject, inputs)) {
    statement("approval", *summary);
  }
  return files;
}

void write_bundle(const Path& directory, const Subject& subject, const std::vector<File>& files,
                  const SigningKey& key) {
  std::map<std::string, const File*> by_name;
  for (const File& file : files) {
    if (!is_inside(file.name) || file.name == kManifest || file.name == kSignedManifest) {
      throw Error(ErrorKind::usage, "{} is no name for a file of a bundle", file.name);
    }
    if (!by_name.emplace(file.name, &file).second) {
      throw Error(ErrorKind::usage, "the bundle would hold {} twice", file.name);
    }
  }
  make_directories(directory);
  if (!std::filesystem::is_empty(directory)) {
    throw Error(ErrorKind::conflict, "{} is not empty", directory.string())
        .hint("name a new directory: what lies there would count as added to the bundle");
  }
  Json listed = Json::array();
  for (const auto& [name, file] : by_name) {
    write_file(directory / name, file->content);
    listed.push_back({{"name", name},
                      {"size_bytes", file->content.size()},
                      {"sha256", sha256_hex(file->content)}});
  }
  const std::string manifest = pretty({{"format", kFormat},
                                       {"image_key", subject.image_key},
                                       {"image_id", subject.image_id},
                                       {"disk_sha256", subject.disk_sha256},
                                       {"disk_digest_of", subject.disk_digest_of},
                                       {"evidence_digest", subject.evidence_digest},
                                       {"made_at", subject.made_at},
                                       {"files", listed}}) +
                               "\n";
  write_file(directory / kManifest, manifest);
  write_file(directory / kSignedManifest, seal(kManifestType, manifest, key));
}

std::string signer(const Path& directory) {
  const Path file = directory / kSignedManifest;
  std::error_code error;
  // A pipe would be waited for, a link followed to elsewhere.
  if (!std::filesystem::is_regular_file(std::filesystem::symlink_status(file, error))) return "";
  try {
    const Json signatures =
        member<Json>(parse_json(read_file(file), kSignedManifest), "signatures");
    return signatures.is_array() && !signatures.empty()
               ? member<std::string>(signatures[0], "keyid")
               : "";
  } catch (const Error&) {
    return "";  // verify_bundle says what is wrong with it
  }
}

Verified verify_bundle(const Path& directory, const PublicKey& trusted) {
  if (!std::filesystem::is_directory(directory)) {
    throw Error(ErrorKind::not_found, "there is no directory {}", directory.string());
  }
  return Verifier(directory, trusted).verify();
}

}  // namespace hallmark::evidence
