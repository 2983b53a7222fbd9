#include "pipeline/wish.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/ids.h"
#include "cloud/launch_templates.h"
#include "cloud/organizations.h"

namespace hallmark::pipeline {

namespace {

/// Whether anything went.
bool take_out(std::vector<model::Target>& targets, const std::string& recipient,
              const std::string& region) {
  bool found = false;
  for (model::Target& target : targets) {
    if (model::recipient_of(target) == recipient) found |= std::erase(target.regions, region) > 0;
  }
  std::erase_if(targets, [](const model::Target& target) { return target.regions.empty(); });
  return found;
}

[[noreturn]] void is_no_target(const std::string& what) {
  throw Error(ErrorKind::not_found, "{} is no target", what)
      .hint("see what is: hallmark image distribute REF --check");
}

}  // namespace

Wish wish_of(db::Database& database, const GoldenImage& image) {
  Wish wish;
  bool found = false;
  database.read([&](db::Connection& connection) {
    const auto rows = connection.query("select * from image_wishes where image_run_id = :run_id",
                                       {{"run_id", image.run_id}});
    found = !rows.empty();
    if (!found) return;
    const db::Row& row = rows.front();
    wish = {.targets = parse_json(row.text("targets"), "image_wishes.targets")
                           .get<std::vector<model::Target>>(),
            .wished_by = row.text("wished_by"),
            .wished_at = row.text("wished_at")};
  });
  if (!found) wish.targets = image.pipeline.get<model::Pipeline>().targets;
  return wish;
}

void record_wish(const Context& context, const GoldenImage& image,
                 const std::vector<model::Target>& targets, const std::string& wished_by) {
  check_targets(targets);
  const std::string text = compact(Json(targets));
  const std::string now = to_rfc3339(context.clock.now());
  context.audit.append([&](db::Connection& connection) -> std::optional<audit::Event> {
    const auto before =
        connection.query("select targets from image_wishes where image_run_id = :run_id",
                         {{"run_id", image.run_id}});
    if (!before.empty() && before.front().text("targets") == text) return std::nullopt;
    connection.execute(
        "insert into image_wishes (image_run_id, targets, wished_by, wished_at)"
        " values (:run_id, :targets, :wished_by, :now) on conflict (image_run_id) do update set"
        " targets = excluded.targets, wished_by = excluded.wished_by,"
        " wished_at = excluded.wished_at",
        {{"run_id", image.run_id}, {"targets", text}, {"wished_by", wished_by}, {"now", now}});
    return audit::Event{.token = random_id("event"),
                        .actor = wished_by,
                        .action = "image.wished",
                        .subject = image.image_key,
                        .detail = {{"run_id", image.run_id}, {"targets", targets}}};
  });
}

void check_targets(const std::vector<model::Target>& targets) {
  std::set<cloud::Place> seen;
  for (const model::Target& target : targets) {
    if (target.account_id == "all" || target.account_id == "*") {
      throw Error(ErrorKind::usage, "images are never made public")
          .hint("name the accounts that are to have it");
    }
    const std::string& recipient = model::recipient_of(target);
    target.unit.empty() ? cloud::check_account_id(recipient) : cloud::check_unit(recipient);
    for (const model::TemplateUse& use : target.launch_templates) {
      cloud::check_template_name(use.name);
    }
    if (target.regions.empty()) {
      throw Error(ErrorKind::usage, "the target {} names no region", recipient);
    }
    for (const std::string& region : target.regions) {
      const bool is_word =
          !region.empty() &&
          region.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
      if (!is_word) throw Error(ErrorKind::usage, "\"{}\" is not a region", region);
      const cloud::Place place{recipient, region};
      if (!seen.insert(place).second) {
        throw Error(ErrorKind::usage, "{} is there twice", cloud::to_string(place))
            .hint("name each account and region once");
      }
    }
  }
}

std::vector<model::Target> with_targets(std::vector<model::Target> targets,
                                        const std::vector<model::Target>& more) {
  check_targets(more);
  for (const model::Target& target : more) {
    for (const std::string& region : target.regions)
      take_out(targets, model::recipient_of(target), region);
    targets.push_back(target);
  }
  return targets;
}

std::vector<model::Target> without_targets(std::vector<model::Target> targets,
                                           const std::vector<model::Target>& fewer) {
  for (const model::Target& target : fewer) {
    if (target.regions.empty()) {
      const bool found = std::erase_if(targets, [&](const model::Target& each) {
        return model::recipient_of(each) == model::recipient_of(target);
      });
      if (!found) is_no_target(model::recipient_of(target));
    }
    for (const std::string& region : target.regions) {
      if (!take_out(targets, model::recipient_of(target), region)) {
        is_no_target(cloud::to_string(cloud::Place{model::recipient_of(target), region}));
      }
    }
  }
  return targets;
}

void to_json(Json& json, const Wish& value) {
  json = {
      {"targets", value.targets}, {"wished_by", value.wished_by}, {"wished_at", value.wished_at}};
}

}  // namespace hallmark::pipeline
