#include "cloud/cloud.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"

namespace hallmark::cloud {

namespace {

constexpr std::array kImageStates = {
    std::pair{ImageState::pending, std::string_view("pending")},
    std::pair{ImageState::available, std::string_view("available")},
    std::pair{ImageState::failed, std::string_view("failed")},
    std::pair{ImageState::disabled, std::string_view("disabled")},
};
constexpr std::array kMachineStates = {
    std::pair{MachineState::pending, std::string_view("pending")},
    std::pair{MachineState::running, std::string_view("running")},
    std::pair{MachineState::stopping, std::string_view("stopping")},
    std::pair{MachineState::stopped, std::string_view("stopped")},
    std::pair{MachineState::terminated, std::string_view("terminated")},
    std::pair{MachineState::failed, std::string_view("failed")},
};
constexpr std::array kMachineKinds = {
    std::pair{MachineKind::boot, std::string_view("boot")},
    std::pair{MachineKind::offline, std::string_view("offline")},
};
constexpr std::array kCommandStates = {
    std::pair{CommandState::running, std::string_view("running")},
    std::pair{CommandState::finished, std::string_view("finished")},
    std::pair{CommandState::timed_out, std::string_view("timed_out")},
    std::pair{CommandState::interrupted, std::string_view("interrupted")},
};

template <typename Table, typename Value>
std::string_view word(const Table& table, Value value) {
  for (const auto& [known, text] : table) {
    if (known == value) return text;
  }
  throw Error(ErrorKind::internal, "value {} has no word", static_cast<int>(value));
}

template <typename Table>
auto value(const Table& table, std::string_view text, std::string_view what) {
  for (const auto& [known, spelled] : table) {
    if (spelled == text) return known;
  }
  throw Error(ErrorKind::corrupt, "\"{}\" is not a {}", text, what);
}

bool image_name_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("()[] ./-'@_").find(c) != std::string_view::npos;
}

}  // namespace

std::string to_string(const Place& place) { return place.account_id + "/" + place.region; }

std::string_view to_string(ImageState state) { return word(kImageStates, state); }
std::string_view to_string(MachineState state) { return word(kMachineStates, state); }
std::string_view to_string(MachineKind kind) { return word(kMachineKinds, kind); }
std::string_view to_string(CommandState state) { return word(kCommandStates, state); }

ImageState image_state_from(std::string_view text) {
  return value(kImageStates, text, "state of an image");
}
MachineState machine_state_from(std::string_view text) {
  return value(kMachineStates, text, "state of a machine");
}
MachineKind machine_kind_from(std::string_view text) {
  return value(kMachineKinds, text, "kind of machine");
}

void check_image_name(const std::string& name) {
  // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html, parameter Name.
  constexpr std::size_t kShortest = 3;
  constexpr std::size_t kLongest = 128;
  if (name.size() < kShortest || name.size() > kLongest) {
    throw Error(ErrorKind::usage, "image name \"{}\" has {} characters", name, name.size())
        .hint("use 3 to 128 characters");
  }
  auto bad = std::find_if_not(name.begin(), name.end(), image_name_character);
  if (bad != name.end()) {
    throw Error(ErrorKind::usage, "image name \"{}\" has a character that is not allowed at {}",
                name, bad - name.begin() + 1)
        .hint("use letters, digits, spaces and ( ) [ ] . / - ' @ _");
  }
}

bool matches(const Tags& tags, const Tags& wanted, const TagKeys& wanted_keys) {
  for (const auto& [key, value] : wanted) {
    auto found = tags.find(key);
    if (found == tags.end() || found->second != value) return false;
  }
  return std::all_of(wanted_keys.begin(), wanted_keys.end(),
                     [&](const std::string& key) { return tags.contains(key); });
}

}  // namespace hallmark::cloud
