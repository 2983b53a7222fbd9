#pragma once
/// The records behind channels (channel.h). Writers are idempotent so that a step may repeat them.

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/channel.h"

namespace hallmark::pipeline {

/// Moves the channel, and tells the audit log. Nothing happens if the run has moved it already, or
/// if a promotion is of what it holds. Throws `conflict` if a rollback or a leave starts from a
/// version that it does not hold any more.
void record_move(const Context& context, const ChannelMove& move);
/// Throws `corrupt` on an unknown word.
ChannelAction channel_action_from(std::string_view text);

/// Channels that hold the version now, sorted.
std::vector<Channel> held_channels(db::Database& database, const GoldenImage& image);

/// What we write into a channel's parameter in a place.
struct ChannelValue {
  Channel channel;
  cloud::Place place;
  std::string image_id;
  std::string image_run_id;
};
/// Before it is written.
void note_value(db::Database& database, const Channel& channel, const ImageTarget& target,
                const std::string& image_run_id);
/// After it was written: no other value there is ours, unless the channel was moved meanwhile.
void keep_only_value(db::Database& database, const Channel& channel, const ImageTarget& target,
                     const std::string& image_run_id);
void forget_value(db::Database& database, const ChannelValue& value);
bool is_ours(db::Database& database, const Channel& channel, const cloud::Place& place,
             const std::string& image_id);
std::vector<ChannelValue> list_values(db::Database& database, const Channel& channel);
std::vector<ChannelValue> list_values(db::Database& database, const std::string& image_run_id);

void to_json(Json& json, const ChannelValue& value);
void from_json(const Json& json, ChannelValue& value);

}  // namespace hallmark::pipeline
