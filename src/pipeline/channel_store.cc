#include "pipeline/channel_store.h"

#include "base/error.h"

namespace hallmark::pipeline {

namespace {

/// The columns that name a channel, with their values.
std::vector<db::Parameter> named(const Channel& channel, std::vector<db::Parameter> more = {}) {
  more.insert(more.end(),
              {{"product", channel.product}, {"os", channel.os}, {"channel", channel.name}});
  return more;
}
constexpr const char* kOfChannel = " product = :product and os = :os and channel = :channel";
constexpr const char* kAtPlace = " and account_id = :account_id and region = :region";

std::vector<db::Parameter> at_place(const cloud::Place& place) {
  return {{"account_id", place.account_id}, {"region", place.region}};
}

Channel channel_in(const db::Row& row) {
  return {row.text("product"), row.text("os"), row.text("channel")};
}

std::vector<ChannelValue> select_values(db::Database& database, const std::string& where,
                                        const std::vector<db::Parameter>& parameters) {
  std::vector<ChannelValue> values;
  database.read([&](db::Connection& connection) {
    values.clear();
    for (const db::Row& row :
         connection.query("select * from channel_values where " + where +
                              " order by product, os, channel, account_id, region, image_id",
                          parameters)) {
      values.push_back({.channel = channel_in(row),
                        .place = {row.text("account_id"), row.text("region")},
                        .image_id = row.text("image_id"),
                        .image_run_id = row.text("image_run_id")});
    }
  });
  return values;
}

std::string key_or_nothing(const db::Row& row, const char* column) {
  return row.optional_text(column).value_or("");
}

/// What the log is told, and who else held the channel then.
audit::Event told_of(const ChannelMove& move, const std::string& held_key) {
  Json detail = {{"run_id", move.move_run_id}};
  if (!held_key.empty()) detail["from"] = held_key;
  if (!move.to_key.empty()) detail["to"] = move.to_key;
  return {.token = "channel/" + move.move_run_id + "/" + to_string(move.channel),
          .actor = move.moved_by,
          .action = fmt::format("channel.{}", to_string(move.action)),
          .subject = to_string(move.channel),
          .detail = std::move(detail)};
}

}  // namespace

std::vector<ChannelMove> list_moves(db::Database& database, const std::optional<Channel>& channel) {
  std::vector<ChannelMove> moves;
  const std::string condition = channel ? std::string(" where") + kOfChannel : "";
  const auto parameters = channel ? named(*channel) : std::vector<db::Parameter>();
  database.read([&](db::Connection& connection) {
    moves.clear();
    for (const db::Row& row :
         connection.query("select moves.*, f.image_key as from_key, t.image_key as to_key"
                          " from (select * from channel_moves" +
                              condition +
                              ") moves"
                              " left join golden_images f on f.run_id = moves.from_run_id"
                              " left join golden_images t on t.run_id = moves.to_run_id"
                              " order by moves.product, moves.os, moves.channel, moves.number",
                          parameters)) {
      moves.push_back({.channel = channel_in(row),
                       .move_run_id = row.text("move_run_id"),
                       .action = channel_action_from(row.text("action")),
                       .from_run_id = row.text("from_run_id"),
                       .to_run_id = row.text("to_run_id"),
                       .from_key = key_or_nothing(row, "from_key"),
                       .to_key = key_or_nothing(row, "to_key"),
                       .moved_by = row.text("moved_by"),
                       .moved_at = row.text("moved_at")});
    }
  });
  return moves;
}

void record_move(const Context& context, const ChannelMove& move) {
  using Told = std::optional<audit::Event>;
  context.audit.append([&](db::Connection& connection) -> Told {
    const auto earlier =
        connection.query(std::string("select number, move_run_id, to_run_id from channel_moves"
                                     " where") +
                             kOfChannel + " order by number desc",
                         named(move.channel));
    for (const db::Row& row : earlier) {
      if (row.text("move_run_id") == move.move_run_id) return std::nullopt;
    }
    const std::string held = earlier.empty() ? "" : earlier.front().text("to_run_id");
    if (move.action == ChannelAction::promote) {
      if (held == move.to_run_id) return std::nullopt;
    } else if (held != move.from_run_id) {
      throw Error(ErrorKind::conflict, "channel {} was moved by somebody else meanwhile",
                  to_string(move.channel))
          .hint("see: hallmark channel list --history");
    }
    const std::int64_t number = earlier.empty() ? 1 : earlier.front().integer("number") + 1;
    connection.execute(
        "insert into channel_moves (product, os, channel, number, move_run_id, action, from_run_id,"
        " to_run_id, moved_by, moved_at) values (:product, :os, :channel, :number, :move_run_id,"
        " :action, :from_run_id, :to_run_id, :moved_by, :moved_at)",
        named(move.channel, {{"number", number},
                             {"move_run_id", move.move_run_id},
                             {"action", std::string(to_string(move.action))},
                             {"from_run_id", held},
                             {"to_run_id", move.to_run_id},
                             {"moved_by", move.moved_by},
                             {"moved_at", to_rfc3339(context.clock.now())}}));
    const auto before = connection.query(
        "select image_key from golden_images where run_id = :run_id", {{"run_id", held}});
    return told_of(move, before.empty() ? "" : before.front().text("image_key"));
  });
}

std::vector<Channel> held_channels(db::Database& database, const GoldenImage& image) {
  std::vector<Channel> channels;
  database.read([&](db::Connection& connection) {
    channels.clear();
    for (const db::Row& row : connection.query(
             "select product, os, channel from channel_moves m where product = :product"
             " and os = :os and to_run_id = :run_id and number = (select max(number) from"
             " channel_moves l where l.product = m.product and l.os = m.os and"
             " l.channel = m.channel) order by channel",
             {{"product", image.product}, {"os", image.os}, {"run_id", image.run_id}})) {
      channels.push_back(channel_in(row));
    }
  });
  return channels;
}

namespace {

void insert_value(db::Connection& connection, const Channel& channel, const ImageTarget& target,
                  const std::string& image_run_id) {
  auto parameters = named(channel, at_place(target.place));
  parameters.push_back({"image_id", target.image_id});
  parameters.push_back({"image_run_id", image_run_id});
  connection.execute(
      "insert into channel_values (product, os, channel, account_id, region, image_id,"
      " image_run_id) values (:product, :os, :channel, :account_id, :region, :image_id,"
      " :image_run_id) on conflict (product, os, channel, account_id, region, image_id)"
      " do nothing",
      parameters);
}

}  // namespace

void note_value(db::Database& database, const Channel& channel, const ImageTarget& target,
                const std::string& image_run_id) {
  database.transaction(
      [&](db::Connection& connection) { insert_value(connection, channel, target, image_run_id); });
}

void keep_only_value(db::Database& database, const Channel& channel, const ImageTarget& target,
                     const std::string& image_run_id) {
  auto parameters = named(channel, at_place(target.place));
  parameters.push_back({"image_id", target.image_id});
  database.transaction([&](db::Connection& connection) {
    const auto last = connection.query(std::string("select to_run_id from channel_moves where") +
                                           kOfChannel + " order by number desc limit 1",
                                       named(channel));
    if (last.empty() || last.front().text("to_run_id") != image_run_id) return;
    // Whoever was overtaken may have taken our note away as he finished.
    insert_value(connection, channel, target, image_run_id);
    connection.execute(std::string("delete from channel_values where") + kOfChannel + kAtPlace +
                           " and image_id <> :image_id",
                       parameters);
  });
}

void forget_value(db::Database& database, const ChannelValue& value) {
  auto parameters = named(value.channel, at_place(value.place));
  parameters.push_back({"image_id", value.image_id});
  database.transaction([&](db::Connection& connection) {
    connection.execute(std::string("delete from channel_values where") + kOfChannel + kAtPlace +
                           " and image_id = :image_id",
                       parameters);
  });
}

bool is_ours(db::Database& database, const Channel& channel, const cloud::Place& place,
             const std::string& image_id) {
  auto parameters = named(channel, at_place(place));
  parameters.push_back({"image_id", image_id});
  return !select_values(database, std::string(kOfChannel) + kAtPlace + " and image_id = :image_id",
                        parameters)
              .empty();
}

std::vector<ChannelValue> list_values(db::Database& database, const Channel& channel) {
  return select_values(database, kOfChannel, named(channel));
}

std::vector<ChannelValue> list_values(db::Database& database, const std::string& image_run_id) {
  return select_values(database, "image_run_id = :run_id", {{"run_id", image_run_id}});
}

void to_json(Json& json, const ChannelValue& value) {
  json = {{"channel", to_string(value.channel)},
          {"account_id", value.place.account_id},
          {"region", value.place.region},
          {"image_id", value.image_id},
          {"image_run_id", value.image_run_id}};
}

void from_json(const Json& json, ChannelValue& value) {
  value.channel = channel_from(member<std::string>(json, "channel"));
  value.place = {member<std::string>(json, "account_id"), member<std::string>(json, "region")};
  value.image_id = member<std::string>(json, "image_id");
  value.image_run_id = member<std::string>(json, "image_run_id");
}

}  // namespace hallmark::pipeline
