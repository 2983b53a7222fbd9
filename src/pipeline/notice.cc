#include "pipeline/notice.h"

#include <set>

#include "pipeline/image_users.h"

namespace hallmark::pipeline {

namespace {

bool is_held(const FindingVerdict& verdict) {
  return !verdict.waived && verdict.judgement != model::Judgement::pass;
}

bool is_worse(model::Judgement one, model::Judgement other) {
  return one == model::Judgement::fail && other != model::Judgement::fail;
}

void say(Judged& judged, const Judged::key_type& finding, model::Judgement judgement) {
  auto [said, fresh] = judged.emplace(finding, judgement);
  if (!fresh && is_worse(judgement, said->second)) said->second = judgement;
}

Notice notice_in(const db::Row& row) {
  return {.notice_id = row.text("notice_id"),
          .kind = row.text("kind"),
          .subject = row.text("subject"),
          .created_at = row.text("created_at"),
          .body = parse_json(row.text("body"), "notices.body")};
}

}  // namespace

std::vector<FindingVerdict> newly_held(const GateVerdict& now, const GateVerdict& before,
                                       const Judged& told) {
  Judged known = told;
  for (const FindingVerdict& verdict : before.findings) {
    if (is_held(verdict)) say(known, {verdict.id, verdict.package}, verdict.judgement);
  }
  std::vector<FindingVerdict> held;
  for (const FindingVerdict& verdict : now.findings) {
    auto said = known.find({verdict.id, verdict.package});
    const bool is_news = said == known.end() || is_worse(verdict.judgement, said->second);
    if (is_held(verdict) && is_news) held.push_back(verdict);
  }
  return held;
}

Judged told_before(db::Database& database, const std::string& image_key,
                   const std::string& except_id) {
  Judged told;
  database.read([&](db::Connection& connection) {
    told.clear();
    for (const db::Row& row : connection.query(
             "select * from notices where kind = :kind and subject = :subject"
             " and notice_id <> :except_id",
             {{"kind", kFindingsNotice}, {"subject", image_key}, {"except_id", except_id}})) {
      for (const Json& finding : member<Json>(notice_in(row).body, "findings")) {
        say(told, {member<std::string>(finding, "id"), member<std::string>(finding, "package")},
            model::judgement_from(member<std::string>(finding, "judgement")));
      }
    }
  });
  return told;
}

Json reach_of(const Context& context, const GoldenImage& image) {
  struct Count {
    int machines = 0;
    int others = 0;
  };
  std::map<cloud::Place, Count> places;
  std::set<std::string> accounts;
  Json children = Json::array(), channels = Json::array(), unknown = Json::array();
  int machines = 0;
  for (const ImageUser& user : find_all_users(context, image)) {
    if (user.kind == kUnknownUser) {
      unknown.push_back(to_string(user));
    } else if (user.kind == kChildUser) {
      children.push_back(user.id);
    } else if (user.kind == kChannelUser) {
      channels.push_back(user.id);
    } else if (user.kind == kMachineUser) {
      ++machines;
      ++places[user.place].machines;
      accounts.insert(user.place.account_id);
    } else {
      ++places[user.place].others;
    }
  }
  Json listed = Json::array();
  for (const auto& [place, count] : places) {
    listed.push_back({{"account_id", place.account_id},
                      {"region", place.region},
                      {"machines", count.machines},
                      {"others", count.others}});
  }
  return {{"machines", machines}, {"accounts", accounts.size()}, {"places", listed},
          {"children", children}, {"channels", channels},        {"unknown", unknown}};
}

void record_notice(const Context& context, const Notice& notice) {
  using Told = std::optional<audit::Event>;
  context.audit.append([&](db::Connection& connection) -> Told {
    const std::int64_t added = connection.execute(
        "insert into notices (notice_id, kind, subject, created_at, body)"
        " values (:notice_id, :kind, :subject, :created_at, :body)"
        " on conflict (notice_id) do nothing",
        {{"notice_id", notice.notice_id},
         {"kind", notice.kind},
         {"subject", notice.subject},
         {"created_at", notice.created_at},
         {"body", compact(notice.body)}});
    if (added == 0) return std::nullopt;
    Json detail = {{"notice_id", notice.notice_id}};
    for (const char* list : {"findings", "new", "stopped"}) {
      if (notice.body.contains(list)) detail[list] = notice.body[list].size();
    }
    return audit::Event{.token = "notice/" + notice.notice_id,
                        .actor = "hallmark",
                        .action = "notice." + notice.kind,
                        .subject = notice.subject,
                        .detail = std::move(detail)};
  });
}

NoticePage list_notices(db::Database& database, const std::string& since,
                        const std::vector<std::string>& products, const db::Page& page) {
  db::Listing listing{.table = "notices", .keys = {"created_at", "notice_id"}};
  listing.conditions = {"created_at >= :since"};
  listing.parameters = {{"since", since}};
  db::require_begin(listing, "subject", products);
  NoticePage answer;
  database.read([&](db::Connection& connection) {
    const db::Listed listed = db::list_newest(connection, listing, page);
    answer = {.notices = {}, .next = listed.next};
    for (const db::Row& row : listed.rows) answer.notices.push_back(notice_in(row));
  });
  return answer;
}

void to_json(Json& json, const Notice& value) {
  json = {{"notice_id", value.notice_id},
          {"kind", value.kind},
          {"subject", value.subject},
          {"created_at", value.created_at},
          {"body", value.body}};
}

}  // namespace hallmark::pipeline
