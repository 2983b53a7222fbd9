#include "pipeline/channel.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "pipeline/channel_store.h"
#include "pipeline/names.h"
#include "pipeline/units.h"
#include "pipeline/workflows.h"

namespace hallmark::pipeline {

namespace {

/// Writers that lose the race read again; as many losses in a row mean something else is wrong.
constexpr int kMostRaces = 100;
constexpr std::size_t kMaxNameLength = 32;

std::string parameter_of(const Channel& channel) {
  return channel_parameter(channel.product, channel.os, channel.name);
}

/// What a run of the workflow was asked for.
struct Promotion {
  Channel channel;
  ChannelMove move;
  bool force = false;
};

Promotion promotion_of(const Json& input) {
  Promotion promotion;
  promotion.channel = channel_from(member<std::string>(input, "channel"));
  promotion.force = member<bool>(input, "force");
  promotion.move = {
      .channel = promotion.channel,
      .action = member<bool>(input, "rollback") ? ChannelAction::rollback : ChannelAction::promote,
      .from_run_id = member<std::string>(input, "from_run_id"),
      .to_run_id = member<std::string>(input, "image_run_id"),
      .moved_by = member<std::string>(input, "requested_by")};
  return promotion;
}

[[noreturn]] void moved_on(const Channel& channel, const GoldenImage& image) {
  throw Error(ErrorKind::conflict, "channel {} does not hold {} any more: somebody moved it",
              to_string(channel), image.image_key)
      .hint("see: hallmark channel list --history");
}

/// An image that is disabled or decommissioned leaves its channels; what we wrote after it left
/// would stay.
void keep_only_if_active(Context& context, const Promotion& promotion, const ImageTarget& target,
                         std::int64_t version) {
  const GoldenImage image = get_golden_image(context.database, promotion.move.to_run_id);
  if (image.state == GoldenState::active || image.state == GoldenState::deprecated) return;
  context.cloud.remove_parameter(target.place, parameter_of(promotion.channel), version);
  throw Error(ErrorKind::conflict, "{} is {}", image.image_key, to_string(image.state));
}

/// Compare-and-set: what neither we nor a run beside us wrote is left as it is.
void set_parameter(Context& context, const Promotion& promotion, const GoldenImage& image,
                   const ImageTarget& target) {
  const Channel& channel = promotion.channel;
  const std::string name = parameter_of(channel);
  note_value(context.database, channel, target, image.run_id);
  for (int race = 0; race < kMostRaces; ++race) {
    const auto present = context.cloud.get_parameter(target.place, name);
    // After the parameter is read: who moves the channel now changes it after us.
    if (held_by(list_moves(context.database, channel)) != image.run_id) moved_on(channel, image);
    std::int64_t version = present ? present->version : 0;
    if (!present || present->value != target.image_id) {
      if (present && !promotion.force &&
          !is_ours(context.database, channel, target.place, present->value)) {
        throw Error(ErrorKind::conflict, "{} in {} says {}, which Hallmark did not write", name,
                    cloud::to_string(target.place), present->value)
            .hint("pass --force to overwrite what was edited by hand");
      }
      try {
        version = context.cloud.put_parameter(target.place, name, target.image_id, version,
                                              cloud::ParameterKind::image_id);
      } catch (const Error& e) {
        if (e.kind() != ErrorKind::conflict) throw;
        continue;
      }
    }
    keep_only_if_active(context, promotion, target, version);
    keep_only_value(context.database, channel, target, image.run_id);
    return;
  }
  throw Error(ErrorKind::unavailable, "{} in {} changed {} times while it was being updated", name,
              cloud::to_string(target.place), kMostRaces);
}

/// Where the version can be used.
std::vector<ImageTarget> available_targets(db::Database& database, const std::string& run_id) {
  std::vector<ImageTarget> targets = list_targets(database, run_id);
  std::erase_if(targets, [](const ImageTarget& target) {
    return target.state != TargetState::available || target.image_id.empty();
  });
  return targets;
}

/// Moves the channel in the record and says where its parameter is to be set.
std::vector<ImageTarget> move_channel(Context& context, const Promotion& promotion,
                                      const std::string& run_id) {
  const GoldenImage image = get_golden_image(context.database, promotion.move.to_run_id);
  if (image.state != GoldenState::active) {
    throw Error(ErrorKind::conflict, "{} is {}; only an active golden image can be promoted",
                image.image_key, to_string(image.state));
  }
  const std::vector<ImageTarget> targets = available_targets(context.database, image.run_id);
  if (targets.empty()) {
    throw Error(ErrorKind::conflict, "{} is in no place", image.image_key)
        .hint("distribute it first: hallmark image distribute " + image.image_key);
  }
  ChannelMove move = promotion.move;
  move.move_run_id = run_id;
  move.to_key = image.image_key;
  record_move(context, move);
  return targets;
}

void withdraw_value(Context& context, const ChannelValue& value) {
  const std::string name = parameter_of(value.channel);
  try {
    const auto present = context.cloud.get_parameter(value.place, name);
    if (present && present->value == value.image_id) {
      context.cloud.remove_parameter(value.place, name, present->version);
    }
  } catch (const Error& e) {
    // Nothing is left in a closed account.
    if (e.kind() != ErrorKind::denied || !standing_of(context, value.place.account_id, {}).closed) {
      throw;
    }
  }
  forget_value(context.database, value);
}

/// One line for each branch that failed, and whether a hand-made edit is why all of them did.
struct ChannelFailures {
  std::vector<std::string> lines;
  ErrorKind kind = ErrorKind::conflict;
};

ChannelFailures failures_of(const std::vector<workflow::BranchOutcome>& outcomes) {
  ChannelFailures failures;
  for (const workflow::BranchOutcome& outcome : outcomes) {
    if (!outcome.error) continue;
    failures.lines.push_back(outcome.key + ": " + outcome.error->message());
    if (outcome.error->kind() != ErrorKind::conflict) failures.kind = ErrorKind::failed;
  }
  return failures;
}

}  // namespace

std::string to_string(const Channel& channel) {
  return channel.product + "/" + channel.os + "/" + channel.name;
}

Channel channel_from(const std::string& reference) {
  const std::vector<std::string> parts = split(reference, '/');
  if (parts.size() != 3 || parts[0].empty() || parts[1].empty()) {
    throw Error(ErrorKind::usage, "\"{}\" names no channel", reference)
        .hint("write PRODUCT/OS/NAME, such as Web-1.0/Debian-12/prod");
  }
  check_channel_name(parts[2]);
  return {parts[0], parts[1], parts[2]};
}

void check_channel_name(const std::string& name) {
  const bool fits =
      !name.empty() && name.size() <= kMaxNameLength && name.front() != '-' &&
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
  if (!fits) {
    throw Error(ErrorKind::usage, "\"{}\" cannot be a channel's name", name)
        .hint(fmt::format("take at most {} lower-case letters, digits and '-'", kMaxNameLength));
  }
  if (name == "latest") {
    throw Error(ErrorKind::usage, "a channel cannot be called latest")
        .hint("/GoldenAMI/latest lists all active versions; name the channel by who uses it: prod");
  }
}

namespace {
constexpr std::array<std::string_view, 3> kActions = {"promote", "rollback", "leave"};
}

std::string_view to_string(ChannelAction action) {
  return kActions.at(static_cast<std::size_t>(action));
}

ChannelAction channel_action_from(std::string_view text) {
  for (std::size_t i = 0; i < kActions.size(); ++i) {
    if (kActions[i] == text) return static_cast<ChannelAction>(i);
  }
  throw Error(ErrorKind::corrupt, "unknown action \"{}\" in the database", text);
}

std::string held_by(const std::vector<ChannelMove>& moves) {
  return moves.empty() ? "" : moves.back().to_run_id;
}

std::vector<std::string> earlier_in(const std::vector<ChannelMove>& moves) {
  std::vector<std::string> stack;
  for (const ChannelMove& move : moves) {
    if (move.action == ChannelAction::promote) stack.push_back(move.to_run_id);
    if (move.action == ChannelAction::rollback) {
      while (!stack.empty() && stack.back() != move.to_run_id) stack.pop_back();
    }
  }
  // What it holds is on top, unless that has left.
  if (!stack.empty() && stack.back() == held_by(moves)) stack.pop_back();
  std::reverse(stack.begin(), stack.end());
  return stack;
}

GoldenImage rollback_image(db::Database& database, const Channel& channel) {
  const std::vector<ChannelMove> moves = list_moves(database, channel);
  if (moves.empty()) {
    throw Error(ErrorKind::not_found, "there is no channel {}", to_string(channel))
        .hint("see: hallmark channel list");
  }
  for (const std::string& run_id : earlier_in(moves)) {
    const auto image = find_golden_image(database, run_id);
    if (image && image->state == GoldenState::active && run_id != held_by(moves)) return *image;
  }
  throw Error(ErrorKind::conflict, "channel {} has no earlier version that is still active",
              to_string(channel))
      .hint("see: hallmark channel list --history; promote a version instead");
}

std::vector<Channel> channels_of(db::Database& database, const std::string& image_run_id) {
  std::set<Channel> channels;
  std::map<Channel, std::string> held;
  for (const ChannelMove& move : list_moves(database, std::nullopt)) {
    held[move.channel] = move.to_run_id;
  }
  for (const auto& [channel, run_id] : held) {
    if (run_id == image_run_id) channels.insert(channel);
  }
  for (const ChannelValue& value : list_values(database, image_run_id)) {
    channels.insert(value.channel);
  }
  return {channels.begin(), channels.end()};
}

std::vector<ChannelCheck> check_channel(const Context& context, const Channel& channel) {
  std::map<cloud::Place, std::string> wanted;
  const std::string held = held_by(list_moves(context.database, channel));
  for (const ChannelValue& value : list_values(context.database, channel)) wanted[value.place];
  if (!held.empty()) {
    for (const ImageTarget& target : available_targets(context.database, held)) {
      wanted[target.place] = target.image_id;
    }
  }
  std::vector<ChannelCheck> checks;
  for (const auto& [place, image_id] : wanted) {
    ChannelCheck check{.place = place, .image_id = image_id};
    try {
      const auto present = context.cloud.get_parameter(place, parameter_of(channel));
      check.value = present ? present->value : "";
      if (check.value == image_id) {
        if (image_id.empty()) continue;
        check.presence = Presence::correct;
      } else if (!present) {
        check.presence = Presence::missing;
        check.problem = "there is no parameter";
      } else if (!is_ours(context.database, channel, place, check.value)) {
        check.presence = Presence::incorrect;
        check.problem = "it was edited by hand";
      } else {
        check.presence = image_id.empty() ? Presence::extra : Presence::incorrect;
        const auto image = find_golden_image(context.database, check.value);
        check.problem = image ? "it still has " + image->image_key : "it still has another version";
      }
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::cancelled) throw;
      check.problem = e.message();
    }
    checks.push_back(std::move(check));
  }
  return checks;
}

std::vector<std::string> leave_channels(Context& context, const GoldenImage& image,
                                        workflow::Run& run) {
  const auto values = run.step("leave-channels", [&](workflow::Step&) {
    for (const Channel& channel : channels_of(context.database, image.run_id)) {
      if (held_by(list_moves(context.database, channel)) != image.run_id) continue;
      record_move(context, {.channel = channel,
                            .move_run_id = run.id(),
                            .action = ChannelAction::leave,
                            .from_run_id = image.run_id,
                            .from_key = image.image_key,
                            .moved_by = "hallmark"});
    }
    return list_values(context.database, image.run_id);
  });
  std::vector<workflow::Run::Branch> branches;
  for (const ChannelValue& value : values) {
    const std::string where =
        to_string(value.channel) + "/" + cloud::to_string(value.place) + "/" + value.image_id;
    branches.push_back({"leave-channel/" + where, [&context, value, where](workflow::Run& branch) {
                          branch.step("withdraw-channel/" + where,
                                      [&](workflow::Step&) { withdraw_value(context, value); });
                          return Json();
                        }});
  }
  return failures_of(run.branches(branches, kPlacesAtOnce)).lines;
}

void bring_channels(Context& context, const GoldenImage& image, const ImageTarget& target,
                    bool force) {
  for (const Channel& channel : held_channels(context.database, image)) {
    const Promotion promotion{.channel = channel,
                              .move = {.channel = channel, .to_run_id = image.run_id},
                              .force = force};
    try {
      set_parameter(context, promotion, image, target);
    } catch (const Error& e) {
      // Whoever moved the channel meanwhile sets what it holds now.
      const bool moved = held_by(list_moves(context.database, channel)) != image.run_id;
      if (e.kind() != ErrorKind::conflict || !moved) throw;
    }
  }
}

void withdraw_channels(Context& context, const std::string& image_run_id,
                       const cloud::Place& place) {
  for (const ChannelValue& value : list_values(context.database, image_run_id)) {
    if (value.place == place) withdraw_value(context, value);
  }
}

Json promote(Context& context, workflow::Run& run) {
  const Promotion promotion = promotion_of(run.input());
  const auto targets =
      run.step("move", [&](workflow::Step&) { return move_channel(context, promotion, run.id()); });
  const std::string image_key = member<std::string>(run.input(), "image_key");
  const GoldenImage image{.run_id = promotion.move.to_run_id, .image_key = image_key};
  std::vector<workflow::Run::Branch> branches;
  for (const ImageTarget& target : targets) {
    const std::string where = cloud::to_string(target.place);
    branches.push_back(
        {where, [&context, &promotion, &image, target, where](workflow::Run& branch) {
           branch.step("set/" + where,
                       [&](workflow::Step&) { set_parameter(context, promotion, image, target); });
           return Json();
         }});
  }
  const ChannelFailures failures = failures_of(run.branches(branches, kPlacesAtOnce));
  if (!failures.lines.empty()) {
    throw Error(failures.kind, "channel {} could not be set to {} in {} of {} places",
                to_string(promotion.channel), image_key, failures.lines.size(), targets.size())
        .note(join(failures.lines, "\n  "))
        .hint("the others have it; mend it: hallmark channel promote " + image_key + " --to " +
              promotion.channel.name + ", with --force over what was edited by hand");
  }
  return {{"image_key", image_key},
          {"channel", to_string(promotion.channel)},
          {"parameter", parameter_of(promotion.channel)},
          {"places", targets.size()}};
}

void to_json(Json& json, const ChannelMove& value) {
  json = {{"channel", to_string(value.channel)},
          {"action", to_string(value.action)},
          {"from", value.from_key},
          {"to", value.to_key},
          {"moved_by", value.moved_by},
          {"moved_at", value.moved_at},
          {"run_id", value.move_run_id}};
}

void to_json(Json& json, const ChannelCheck& value) {
  json = {{"account_id", value.place.account_id},
          {"region", value.place.region},
          {"presence", to_string(value.presence)},
          {"image_id", value.image_id},
          {"value", value.value},
          {"problem", value.problem}};
}

}  // namespace hallmark::pipeline
