#include "model/waiver_file.h"

#include <set>

#include "base/embedded.h"
#include "base/error.h"
#include "base/text.h"
#include "model/checked_document.h"

namespace hallmark::model {

const std::vector<std::pair<std::string_view, std::string_view>>& schema_files();

namespace {

/// A waiver that is meant for a CVE and misspells it would silently cover nothing.
bool is_bad_cve(const std::string& id) {
  return to_lower(id).starts_with("cve") && normal_cve(id).empty();
}

class WaiverReader {
 public:
  WaiverReader(YamlDocument& document, std::vector<Problem>& problems)
      : document_(document), problems_(problems) {}

  std::vector<Waiver> read() {
    const Json& list = document_.json["waivers"];
    std::vector<Waiver> waivers;
    for (std::size_t i = 0; i < list.size(); ++i) waivers.push_back(read_one(list[i], i));
    return waivers;
  }

 private:
  void add(std::size_t index, const char* key, std::string message, std::string hint) {
    const Address address = {"waivers", std::to_string(index), key};
    problems_.push_back({document_.place_of(address), path_text(document_.json, address),
                         std::move(message), std::move(hint)});
  }

  Waiver read_one(const Json& json, std::size_t index) {
    Waiver waiver;
    waiver.finding = json["finding"];
    waiver.package = json.value("package", "");
    waiver.images = json.value("images", std::vector<std::string>());
    waiver.reason = json["reason"];
    waiver.by = json["by"];
    waiver.known_exploited = json.value("known_exploited", false);
    waiver.justification = json.value("justification", "");
    if (is_bad_cve(waiver.finding)) {
      add(index, "finding", "\"" + waiver.finding + "\" is no CVE id",
          "CVE ids look like CVE-2026-12345");
    } else if (std::string cve = normal_cve(waiver.finding); !cve.empty()) {
      waiver.finding = cve;
    }
    try {
      waiver.expires_at = end_of(json["expires"]);
    } catch (const Error&) {
      add(index, "expires", "\"" + json["expires"].get<std::string>() + "\" is no date",
          "write it as 2026-12-31 or 2026-12-31T12:00:00Z");
    }
    if (!known_.insert({waiver.finding, waiver.package, waiver.images}).second) {
      add(index, "finding", "there is a waiver for this already", "keep one of them");
    }
    return waiver;
  }

  YamlDocument& document_;
  std::vector<Problem>& problems_;
  std::set<std::tuple<std::string, std::string, std::vector<std::string>>> known_;
};

}  // namespace

std::vector<Waiver> read_waivers(std::string_view text, std::vector<Problem>& problems) {
  static const Json kSchema = parse_json(waivers_schema(), "waivers.schema.json");
  std::optional<YamlDocument> document = read_checked(text, kSchema, problems);
  if (!document) return {};
  return WaiverReader(*document, problems).read();
}

std::string_view waivers_schema() { return embedded_file(schema_files(), "waivers.schema.json"); }

}  // namespace hallmark::model
