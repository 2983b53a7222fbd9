#pragma once
/// Channels: names such as "prod" for the version of a product that is in use now. The record says
/// which version a channel holds; its parameter has that version's id in each place.

#include <compare>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/context.h"
#include "pipeline/image_store.h"
#include "pipeline/placement.h"
#include "workflow/run.h"

namespace hallmark::pipeline {

struct Channel {
  std::string product;
  std::string os;
  std::string name;
  auto operator<=>(const Channel&) const = default;
};
std::string to_string(const Channel& channel);  ///< "product/os/name"
/// The inverse. Throws `usage`.
Channel channel_from(const std::string& reference);
/// Throws `usage` unless the name is 1 to 32 of a-z 0-9 -, first a letter or digit. "latest" is
/// refused: it is the name of another thing.
void check_channel_name(const std::string& name);

enum class ChannelAction {
  promote,
  rollback,
  leave,  ///< the version it held is decommissioned; it holds none
};
std::string_view to_string(ChannelAction action);

struct ChannelMove {
  Channel channel;
  std::string move_run_id;
  ChannelAction action = ChannelAction::promote;
  std::string from_run_id;  ///< empty: it held no version
  std::string to_run_id;    ///< empty: it holds no version
  std::string from_key;     ///< their image keys
  std::string to_key;
  std::string moved_by;
  std::string moved_at;
};
/// Oldest first, of one channel or (nothing) of all, by channel.
std::vector<ChannelMove> list_moves(db::Database& database, const std::optional<Channel>& channel);

/// The version a channel holds according to its moves, oldest first; empty: none.
std::string held_by(const std::vector<ChannelMove>& moves);
/// The versions that were in it before, the last one first: what rollbacks go back through. A
/// rollback takes away what it went back over.
std::vector<std::string> earlier_in(const std::vector<ChannelMove>& moves);
/// The first of them that is still active. Throws `conflict` if none is, `not_found` if there is no
/// such channel.
GoldenImage rollback_image(db::Database& database, const Channel& channel);

/// Channels that hold the version, or still have it in some place. Sorted.
std::vector<Channel> channels_of(db::Database& database, const std::string& image_run_id);

/// The channel's parameter in a place.
struct ChannelCheck {
  cloud::Place place;
  Presence presence = Presence::unknown;
  std::string image_id;  ///< that it should have; empty: its version is not there
  std::string value;     ///< that it has
  std::string problem;
};
/// In every place where the version it holds is, and where another of its versions was left. A
/// place that cannot be looked at is `unknown` and says why.
std::vector<ChannelCheck> check_channel(const Context& context, const Channel& channel);

/// Steps of a run: channels that hold the image hold none from now on, and their parameters with
/// its ids are removed. A line for each place where that failed.
std::vector<std::string> leave_channels(Context& context, const GoldenImage& image,
                                        workflow::Run& run);
/// Inside a step, after the target was recorded as available: sets there the parameters of the
/// channels that hold the image. Somebody's edit is overwritten only with `force`: `conflict`.
void bring_channels(Context& context, const GoldenImage& image, const ImageTarget& target,
                    bool force);
/// Inside a step: removes the parameters of channels at a place that have the image's id.
void withdraw_channels(Context& context, const std::string& image_run_id,
                       const cloud::Place& place);

void to_json(Json& json, const ChannelMove& value);
void to_json(Json& json, const ChannelCheck& value);

}  // namespace hallmark::pipeline
