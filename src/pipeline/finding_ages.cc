#include "pipeline/finding_ages.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "base/log.h"
#include "base/text.h"
#include "model/pipeline.h"
#include "pipeline/evidence.h"
#include "pipeline/gate.h"
#include "pipeline/rescan.h"

namespace hallmark::pipeline {

namespace {

using Key = std::pair<std::string, std::string>;  // id, package

bool counts(const scan::MergedFinding& finding) {
  return !finding.suppressed && finding.kind != model::FindingKind::information;
}

bool is_newest_active(const Context& context, const GoldenImage& image) {
  const auto active = list_golden_images(context.database, {GoldenState::active});
  const auto newest = std::find_if(active.begin(), active.end(), [&](const GoldenImage& each) {
    return each.product == image.product && each.os == image.os;
  });
  return newest != active.end() && newest->run_id == image.run_id;
}

Duration median(std::vector<Duration> values) {
  if (values.empty()) return Duration{};
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

AgeSummary summary_of(const std::vector<Duration>& open, const std::vector<Duration>& waived,
                      const std::vector<Duration>& fixed) {
  AgeSummary summary{.open = static_cast<int>(open.size()),
                     .waived = static_cast<int>(waived.size()),
                     .median_age = median(open),
                     .fixed = static_cast<int>(fixed.size()),
                     .median_time_to_fix = median(fixed)};
  if (!open.empty()) summary.oldest_age = *std::max_element(open.begin(), open.end());
  if (!fixed.empty()) {
    summary.mean_time_to_fix = std::accumulate(fixed.begin(), fixed.end(), Duration{}) /
                               static_cast<Duration::rep>(fixed.size());
  }
  return summary;
}

struct Spans {
  std::map<model::Severity, std::vector<Duration>> open, waived, fixed;

  AgesBySeverity summarized() const {
    AgesBySeverity summarized;
    std::set<model::Severity> severities;
    for (const auto& [severity, spans] : open) severities.insert(severity);
    for (const auto& [severity, spans] : waived) severities.insert(severity);
    for (const auto& [severity, spans] : fixed) severities.insert(severity);
    auto of = [](const auto& spans, model::Severity severity) {
      auto found = spans.find(severity);
      return found == spans.end() ? std::vector<Duration>() : found->second;
    };
    for (model::Severity severity : severities) {
      summarized[severity] =
          summary_of(of(open, severity), of(waived, severity), of(fixed, severity));
    }
    return summarized;
  }
};

std::string days(Duration duration) {
  constexpr double kDay = 24 * 3600'000.0;
  return fmt::format("{:.2f}", static_cast<double>(duration.count()) / kDay);
}

std::int64_t seconds(Duration duration) { return duration.count() / 1000; }

Json severities_json(const AgesBySeverity& ages) {
  Json json = Json::object();
  for (const auto& [severity, summary] : ages) {
    json[std::string(model::to_string(severity))] = {
        {"open", summary.open},
        {"waived", summary.waived},
        {"median_age_seconds", seconds(summary.median_age)},
        {"oldest_age_seconds", seconds(summary.oldest_age)},
        {"fixed", summary.fixed},
        {"mean_time_to_fix_seconds", seconds(summary.mean_time_to_fix)},
        {"median_time_to_fix_seconds", seconds(summary.median_time_to_fix)}};
  }
  return json;
}

/// For count_open_findings.
void count_anew(db::Connection& connection, const GoldenImage& image) {
  const std::vector<db::Parameter> which = {{"product", image.product}, {"os", image.os}};
  connection.execute("delete from finding_counts where product = :product and os = :os", which);
  connection.execute(
      "insert into finding_counts select product, os, severity, count(*), min(first_seen_at)"
      " from finding_ages where product = :product and os = :os and fixed_at = ''"
      " group by product, os, severity",
      which);
}

const char* const kOfActive =
    "exists (select 1 from golden_images where golden_images.product = {0}.product"
    " and golden_images.os = {0}.os and golden_images.state = 'active')";

}  // namespace

void observe_findings(const Context& context, const GoldenImage& image,
                      const std::vector<scan::MergedFinding>& findings, bool all_seen) {
  if (!is_newest_active(context, image)) return;
  const std::string now = to_rfc3339(context.clock.now());
  std::map<Key, model::Severity> seen;
  for (const scan::MergedFinding& finding : findings) {
    if (counts(finding)) seen.emplace(Key{finding.id, finding.package}, finding.severity);
  }
  context.database.transaction([&](db::Connection& connection) {
    std::map<Key, model::Severity> fresh = seen;
    for (const db::Row& row : connection.query(
             "select * from finding_ages where product = :product and os = :os and fixed_at = ''",
             {{"product", image.product}, {"os", image.os}})) {
      const Key key{row.text("finding_id"), row.text("package")};
      const auto still = seen.find(key);
      const bool is_fixed = still == seen.end();
      fresh.erase(key);
      if (is_fixed && !all_seen) continue;
      if (!is_fixed && row.text("severity") == model::to_string(still->second)) continue;
      connection.execute(
          "update finding_ages set severity = :severity, fixed_at = :fixed_at,"
          " fixed_image = :fixed_image where product = :product and os = :os"
          " and finding_id = :finding_id and package = :package"
          " and first_seen_at = :first_seen_at",
          {{"severity",
            is_fixed ? row.text("severity") : std::string(model::to_string(still->second))},
           {"fixed_at", is_fixed ? now : ""},
           {"fixed_image", is_fixed ? image.image_key : ""},
           {"product", image.product},
           {"os", image.os},
           {"finding_id", key.first},
           {"package", key.second},
           {"first_seen_at", row.text("first_seen_at")}});
    }
    for (const auto& [key, severity] : fresh) {
      // Fixed and back within one moment of a clock: the row that is there says enough.
      connection.execute(
          "insert into finding_ages (product, os, finding_id, package, first_seen_at, severity,"
          " first_image, fixed_at, fixed_image) values (:product, :os, :finding_id, :package,"
          " :first_seen_at, :severity, :first_image, '', '')"
          " on conflict (product, os, finding_id, package, first_seen_at)"
          " do update set fixed_at = '', fixed_image = ''",
          {{"product", image.product},
           {"os", image.os},
           {"finding_id", key.first},
           {"package", key.second},
           {"first_seen_at", now},
           {"severity", std::string(model::to_string(severity))},
           {"first_image", image.image_key}});
    }
    count_anew(connection, image);
  });
}

void observe_candidate(const Context& context, const std::string& run_id) {
  std::vector<model::Assessment> assessments;
  bool all_seen = true;
  for (AssessmentRecord& record : list_assessments(context.database, run_id)) {
    if (record.purpose != "candidate") continue;
    all_seen = all_seen && record.assessment.completeness == model::Completeness::complete;
    assessments.push_back(std::move(record.assessment));
  }
  observe_findings(context, get_golden_image(context.database, run_id), scan::merge(assessments),
                   all_seen);
}

std::vector<FindingAge> list_finding_ages(db::Database& database, TimePoint fixed_since) {
  std::vector<FindingAge> ages;
  database.read([&](db::Connection& connection) {
    ages.clear();
    for (const db::Row& row : connection.query(
             "select * from finding_ages where fixed_at >= :since or (fixed_at = '' and exists"
             " (select 1 from golden_images where golden_images.product = finding_ages.product"
             " and golden_images.os = finding_ages.os and golden_images.state = 'active'))"
             " order by product, os, first_seen_at, finding_id, package",
             {{"since", to_rfc3339(fixed_since)}})) {
      FindingAge age{.product = row.text("product"),
                     .os = row.text("os"),
                     .finding_id = row.text("finding_id"),
                     .package = row.text("package"),
                     .severity = model::severity_from(row.text("severity")),
                     .first_seen_at = from_rfc3339(row.text("first_seen_at"))};
      if (const std::string fixed_at = row.text("fixed_at"); !fixed_at.empty()) {
        age.fixed_at = from_rfc3339(fixed_at);
      }
      ages.push_back(std::move(age));
    }
  });
  return ages;
}

FindingPage list_open_findings(db::Database& database, const FindingQuery& query) {
  db::Listing listing{.table = "finding_ages",
                      .keys = {"first_seen_at", "product", "os", "finding_id", "package"},
                      .columns = "first_seen_at, product, os, finding_id, package, severity",
                      .look_up = false,
                      .state = "severity"};
  auto severities = query.severities;
  if (severities.empty()) {
    // Each is a piece of the index that is in order.
    using enum model::Severity;
    severities = {unknown, info, low, medium, high, critical};
  }
  for (model::Severity each : severities) listing.states.emplace_back(model::to_string(each));
  db::require_fit(listing, "product", query.products);
  db::require_fit(listing, "os", query.systems);
  listing.conditions.emplace_back("fixed_at = ''");
  listing.conditions.push_back(fmt::format(fmt::runtime(kOfActive), "finding_ages"));
  FindingPage page;
  database.read([&](db::Connection& connection) {
    const db::Listed listed = db::list_newest(connection, listing, query.page);
    page = {.findings = {}, .next = listed.next};
    for (const db::Row& row : listed.rows) {
      page.findings.push_back({.product = row.text("product"),
                               .os = row.text("os"),
                               .finding_id = row.text("finding_id"),
                               .package = row.text("package"),
                               .severity = model::severity_from(row.text("severity")),
                               .first_seen_at = from_rfc3339(row.text("first_seen_at"))});
    }
  });
  return page;
}

std::map<model::Severity, OpenFindings, std::greater<>> count_open_findings(
    db::Database& database) {
  std::map<model::Severity, OpenFindings, std::greater<>> counted;
  database.read([&](db::Connection& connection) {
    counted.clear();
    for (const db::Row& row : connection.query(
             "select severity, cast(sum(open) as bigint) as open, min(oldest_at) as oldest_at"
             " from finding_counts where " +
                 fmt::format(fmt::runtime(kOfActive), "finding_counts") + " group by severity",
             {})) {
      counted[model::severity_from(row.text("severity"))] = {row.integer("open"),
                                                             from_rfc3339(row.text("oldest_at"))};
    }
  });
  return counted;
}

void mark_waived(const Context& context, std::vector<FindingAge>& ages) {
  std::set<std::pair<std::string, std::string>> products;
  for (const FindingAge& age : ages) {
    if (!age.fixed_at) products.insert({age.product, age.os});
  }
  std::map<std::pair<std::string, std::string>, std::set<Key>> waived;
  for (const GoldenImage& image : list_golden_images(context.database, {GoldenState::active})) {
    // The newest comes first.
    if (products.erase({image.product, image.os}) == 0) continue;
    const auto gate = image.pipeline.get<model::Pipeline>().gate;
    if (gate.waivers.empty()) continue;
    try {
      Looked looked = read_looked(context, image);
      use_newest(context, image.run_id, looked.assessments);
      const auto verdict =
          evaluate_gate(gate, image.image_key, looked.assessments, context.clock.now());
      for (const FindingVerdict& finding : verdict.findings) {
        if (finding.waived) waived[{image.product, image.os}].insert({finding.id, finding.package});
      }
    } catch (const Error& e) {
      // Lost evidence waives nothing.
      log_warning("the gate of {} cannot be asked: {}", image.image_key, e.message());
    }
  }
  for (FindingAge& age : ages) {
    const auto of = waived.find({age.product, age.os});
    if (age.fixed_at || of == waived.end()) continue;
    age.waived = of->second.contains({age.finding_id, age.package});
  }
}

AgeReport summarize_ages(const std::vector<FindingAge>& ages, TimePoint now) {
  std::map<std::string, Spans> products;
  Spans all;
  for (const FindingAge& age : ages) {
    Spans& product = products[age.product + "/" + age.os];
    for (Spans* spans : {&product, &all}) {
      auto& of = age.fixed_at ? spans->fixed : age.waived ? spans->waived : spans->open;
      of[age.severity].push_back(age.fixed_at.value_or(now) - age.first_seen_at);
    }
  }
  AgeReport report{.all = all.summarized()};
  for (const auto& [product, spans] : products) report.products[product] = spans.summarized();
  return report;
}

std::string ages_csv(const AgeReport& report) {
  std::string csv =
      "product,severity,open,median age (days),oldest (days),fixed,mean time to fix (days),"
      "median time to fix (days),waived\r\n";
  auto add = [&](const std::string& product, const AgesBySeverity& ages) {
    for (const auto& [severity, summary] : ages) {
      // Names of products have no comma and no quote (model/pipeline.h).
      csv += fmt::format("{},{},{},{},{},{},{},{},{}\r\n", product, model::to_string(severity),
                         summary.open, days(summary.median_age), days(summary.oldest_age),
                         summary.fixed, days(summary.mean_time_to_fix),
                         days(summary.median_time_to_fix), summary.waived);
    }
  };
  for (const auto& [product, ages] : report.products) add(product, ages);
  add("all", report.all);
  return csv;
}

void to_json(Json& json, const AgeReport& value) {
  Json products = Json::array();
  for (const auto& [product, ages] : value.products) {
    products.push_back({{"product", product}, {"severities", severities_json(ages)}});
  }
  json = {{"products", products}, {"all", severities_json(value.all)}};
}

}  // namespace hallmark::pipeline
