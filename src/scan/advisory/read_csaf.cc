/// CSAF 2.0 and its VEX profile: https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html

#include <map>
#include <optional>

#include "base/text.h"
#include "scan/advisory/ecosystem.h"
#include "scan/advisory/feeds.h"
#include "scan/advisory/json_feed.h"

namespace hallmark::scan {
namespace {

/// Nothing nests branches deeper than a handful; a file that does wants to fill the stack.
constexpr int kMaxDepth = 32;

/// What stands behind a product's id: a platform, or a package with perhaps its version.
struct Product {
  std::string ecosystem;  ///< of a platform; empty: none, or not compared here
  bool is_platform = false;
  std::string package, version, module;
  bool of_source = false;
};

/// "curl-0:7.76.1-23.el9_2.4.x86_64" without a package URL.
std::optional<Product> from_nevra(std::string_view text) {
  const std::size_t arch = text.rfind('.');
  if (arch == text.npos) return std::nullopt;
  const std::string_view evr = text.substr(0, arch);
  const std::size_t release = evr.rfind('-');
  if (release == evr.npos || release == 0) return std::nullopt;
  const std::size_t version = evr.rfind('-', release - 1);
  if (version == evr.npos || version == 0) return std::nullopt;
  Product product;
  product.package = evr.substr(0, version);
  product.version = evr.substr(version + 1);
  product.of_source = text.substr(arch + 1) == "src";
  return product;
}

std::string qualifier_of(std::string_view purl, std::string_view name) {
  const std::size_t question = purl.find('?');
  if (question == purl.npos) return {};
  for (const std::string& part : split(purl.substr(question + 1), '&')) {
    if (part.starts_with(std::string(name) + "=")) return part.substr(name.size() + 1);
  }
  return {};
}

/// "pkg:rpm/redhat/curl@7.76.1-23.el9?arch=x86_64&epoch=0&rpmmod=nodejs:18:..".
std::optional<Product> from_purl(std::string_view purl) {
  if (!purl.starts_with("pkg:rpm/")) return std::nullopt;
  const std::string_view path = purl.substr(0, purl.find_first_of("?#"));
  const std::size_t slash = path.rfind('/');
  const std::string_view last = path.substr(slash + 1);
  Product product;
  product.package = replace_all(std::string(last.substr(0, last.find('@'))), "%2B", "+");
  const std::string epoch = qualifier_of(purl, "epoch");
  if (const std::size_t at = last.find('@'); at != last.npos) {
    product.version = replace_all(std::string(last.substr(at + 1)), "%2B", "+");
    if (!epoch.empty() && epoch != "0") product.version = epoch + ":" + product.version;
  }
  product.of_source = qualifier_of(purl, "arch") == "src" || product.version.empty();
  std::string module = replace_all(qualifier_of(purl, "rpmmod"), "%3A", ":");
  if (const auto parts = split(module, ':'); parts.size() > 2) module = parts[0] + ":" + parts[1];
  product.module = module;
  return product;
}

class CsafReader {
 public:
  CsafReader(std::string_view ecosystem, AdvisorySink& sink) : ecosystem_(ecosystem), sink_(sink) {}

  void document(const json::element& document) {
    products_.clear();
    const auto head = member_of(document, "document");
    const auto tree = member_of(document, "product_tree");
    if (!head) {
      ++sink_.feed().unreadable;
      return;
    }
    if (tree) {
      take_branches(array_of(*tree, "branches"), 0);
      for (const json::element name : array_of(*tree, "full_product_names")) take_name(name);
      for (const json::element relation : array_of(*tree, "relationships")) take_relation(relation);
    }
    if (const auto tracking = member_of(*head, "tracking"))
      note_date(text_of(*tracking, "current_release_date"));
    for (const json::element flaw : array_of(document, "vulnerabilities")) take_flaw(*head, flaw);
  }

 private:
  void note_date(std::string_view date) {
    if (date.size() < 20 || date.size() > 40) return;
    const std::string seconds = std::string(date.substr(0, 19)) + "Z";
    if (seconds > sink_.feed().valid_from) sink_.feed().valid_from = seconds;
  }

  void take_branches(const json::array& branches, int depth) {
    if (depth > kMaxDepth) return;
    for (const json::element branch : branches) {
      if (const auto product = member_of(branch, "product")) take_name(*product);
      take_branches(array_of(branch, "branches"), depth + 1);
    }
  }

  void take_name(const json::element& name) {
    const std::string_view id = text_of(name, "product_id");
    if (id.empty()) return;
    std::string_view purl, cpe;
    if (const auto helper = member_of(name, "product_identification_helper")) {
      purl = text_of(*helper, "purl");
      cpe = text_of(*helper, "cpe");
    }
    Product product;
    if (auto package = from_purl(purl)) {
      product = *std::move(package);
    } else if (!cpe.empty()) {
      product.is_platform = true;
      product.ecosystem = ecosystem_from_cpe(cpe);
    } else if (auto package_of_id = from_nevra(id)) {
      product = *std::move(package_of_id);
    } else {
      // A name alone, such as "curl" among what is affected and has no fix.
      product.package = id;
      product.of_source = true;
      product.ecosystem = ecosystem_from_title(text_of(name, "name"));
    }
    products_.insert_or_assign(std::string(id), std::move(product));
  }

  void take_relation(const json::element& relation) {
    const auto full = member_of(relation, "full_product_name");
    if (!full) return;
    const auto part = products_.find(text_of(relation, "product_reference"));
    const auto whole = products_.find(text_of(relation, "relates_to_product_reference"));
    if (whole == products_.end()) return;
    Product product;
    if (part != products_.end()) {
      product = part->second;
    } else {
      product.package = text_of(relation, "product_reference");
      product.of_source = true;
    }
    // "nodejs:18/nodejs": a package of a module.
    if (const std::size_t slash = product.package.find('/'); slash != std::string::npos) {
      product.module = product.package.substr(0, slash);
      product.package = product.package.substr(slash + 1);
    }
    // A platform that is not compared here is not what the caller says of the feed.
    product.ecosystem = whole->second.ecosystem.empty() ? "elsewhere" : whole->second.ecosystem;
    product.is_platform = false;
    products_.insert_or_assign(std::string(text_of(*full, "product_id")), std::move(product));
  }

  void take_flaw(const json::element& head, const json::element& flaw) {
    const auto status = member_of(flaw, "product_status");
    AdvisoryText advisory;
    advisory.id = text_of(flaw, "cve");
    if (advisory.id.empty()) {
      if (const auto tracking = member_of(head, "tracking")) advisory.id = text_of(*tracking, "id");
    }
    if (!status || advisory.id.empty()) {
      ++sink_.feed().unreadable;
      return;
    }
    if (is_cve(advisory.id)) advisory.cves.push_back(advisory.id);
    advisory.title = text_of(flaw, "title");
    if (advisory.title.empty()) advisory.title = text_of(head, "title");
    for (const json::element reference : array_of(flaw, "references")) {
      if (advisory.url.empty() || text_of(reference, "category") == "self")
        advisory.url = text_of(reference, "url");
    }
    for (const json::element score : array_of(flaw, "scores")) {
      if (const auto cvss = member_of(score, "cvss_v3"))
        advisory.cvss = text_of(*cvss, "vectorString");
    }
    for (const json::element threat : array_of(flaw, "threats")) {
      if (text_of(threat, "category") == "impact")
        advisory.severity_native = text_of(threat, "details");
    }
    advisory.severity = severity_of_word(advisory.severity_native);
    if (advisory.severity == model::Severity::unknown) {
      if (const double score = cvss3_score(advisory.cvss); score > 0)
        advisory.severity = model::severity_of_score(score);
    }
    sink_.begin(advisory);
    take_remediations(flaw);
    for (const char* group : {"fixed", "first_fixed"})
      take_products(*status, group, Judgement::affected, true);
    for (const char* group : {"known_affected", "first_affected", "last_affected"}) {
      take_products(*status, group, Judgement::affected, false);
    }
    take_products(*status, "under_investigation", Judgement::undetermined, false);
    take_products(*status, "known_not_affected", Judgement::not_affected, false);
  }

  /// Which products will have no fix.
  void take_remediations(const json::element& flaw) {
    fixes_.clear();
    for (const json::element remediation : array_of(flaw, "remediations")) {
      const std::string_view category = text_of(remediation, "category");
      model::FixState state = model::FixState::none;
      if (category == "no_fix_planned")
        state = text_of(remediation, "details").find("support scope") != std::string_view::npos
                    ? model::FixState::end_of_life
                    : model::FixState::wont_fix;
      else if (category != "none_available")
        continue;
      for (const json::element id : array_of(remediation, "product_ids")) {
        std::string_view text;
        if (id.get(text) == simdjson::SUCCESS) fixes_.insert_or_assign(std::string(text), state);
      }
    }
  }

  void take_products(const json::element& status, std::string_view group, Judgement judgement,
                     bool fixed) {
    for (const json::element entry : array_of(status, group)) {
      std::string_view id;
      if (entry.get(id) != simdjson::SUCCESS) continue;
      const auto found = products_.find(id);
      if (found == products_.end() || found->second.is_platform) {
        ++sink_.feed().elsewhere;
        continue;
      }
      const Product& product = found->second;
      Statement statement;
      statement.ecosystem =
          product.ecosystem.empty() ? ecosystem_ : std::string_view(product.ecosystem);
      statement.package = product.package;
      statement.of_source = product.of_source;
      statement.module = product.module;
      statement.judgement = judgement;
      if (fixed) {
        statement.fixed = product.version;
        // The binary packages of the build are named as well.
        if (product.version.empty() || product.of_source) continue;
      } else if (const auto fix = fixes_.find(id); fix != fixes_.end()) {
        statement.fix = fix->second;
      } else {
        statement.fix = model::FixState::none;
      }
      sink_.add(statement);
    }
  }

  std::string_view ecosystem_;
  AdvisorySink& sink_;
  std::map<std::string, Product, std::less<>> products_;
  std::map<std::string, model::FixState, std::less<>> fixes_;
};

}  // namespace

void read_csaf(FeedFile& file, std::string_view ecosystem, AdvisorySink& sink) {
  CsafReader reader(ecosystem, sink);
  each_document(file, sink, [&](const json::element& document) { reader.document(document); });
}

}  // namespace hallmark::scan
