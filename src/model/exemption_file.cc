#include "model/exemption_file.h"

#include <set>
#include <tuple>

#include "base/embedded.h"
#include "base/error.h"
#include "base/text.h"
#include "model/checked_document.h"

namespace hallmark::model {

const std::vector<std::pair<std::string_view, std::string_view>>& schema_files();

namespace {

class ExemptionReader {
 public:
  ExemptionReader(YamlDocument& document, std::vector<Problem>& problems)
      : document_(document), problems_(problems) {}

  std::vector<Exemption> read() {
    const Json& list = document_.json["exemptions"];
    std::vector<Exemption> exemptions;
    for (std::size_t i = 0; i < list.size(); ++i) exemptions.push_back(read_one(list[i], i));
    return exemptions;
  }

 private:
  void add(Address address, std::string message, std::string hint) {
    problems_.push_back({document_.place_of(address), path_text(document_.json, address),
                         std::move(message), std::move(hint)});
  }

  Exemption read_one(const Json& json, std::size_t index) {
    const Address here = {"exemptions", std::to_string(index)};
    Exemption exemption{.machine_id = json.value("machine_id", ""),
                        .image_id = json.value("image_id", ""),
                        .account_id = json.value("account_id", ""),
                        .tag = json.value("tag", ""),
                        .reason = json["reason"],
                        .by = json["by"],
                        .expires_at = {}};
    try {
      exemption.expires_at = end_of(json["expires"]);
    } catch (const Error&) {
      add({"exemptions", std::to_string(index), "expires"},
          "\"" + json["expires"].get<std::string>() + "\" is no date",
          "write it as 2026-12-31 or 2026-12-31T12:00:00Z");
    }
    if (exemption.tag.starts_with('=')) {
      add({"exemptions", std::to_string(index), "tag"}, "the tag has no key",
          "write it as KEY=VALUE, with * and ? in the value");
    }
    if (subject_of(exemption).empty()) {
      add(here, "it is for nothing in particular",
          "name at least one of machine_id, image_id, account_id and tag");
    } else if (!known_
                    .insert({exemption.machine_id, exemption.image_id, exemption.account_id,
                             exemption.tag})
                    .second) {
      add(here, "there is an exemption for this already", "keep one of them");
    }
    return exemption;
  }

  YamlDocument& document_;
  std::vector<Problem>& problems_;
  std::set<std::tuple<std::string, std::string, std::string, std::string>> known_;
};

}  // namespace

std::string subject_of(const Exemption& exemption) {
  std::vector<std::string> parts;
  if (!exemption.machine_id.empty()) parts.push_back(exemption.machine_id);
  if (!exemption.image_id.empty()) parts.push_back("image " + exemption.image_id);
  if (!exemption.tag.empty()) parts.push_back("tag " + exemption.tag);
  if (!exemption.account_id.empty()) parts.push_back("account " + exemption.account_id);
  return join(parts, ", ");
}

std::vector<Exemption> read_exemptions(std::string_view text, std::vector<Problem>& problems) {
  static const Json kSchema = parse_json(exemptions_schema(), "exemptions.schema.json");
  std::optional<YamlDocument> document = read_checked(text, kSchema, problems);
  if (!document) return {};
  return ExemptionReader(*document, problems).read();
}

std::string_view exemptions_schema() {
  return embedded_file(schema_files(), "exemptions.schema.json");
}

}  // namespace hallmark::model
