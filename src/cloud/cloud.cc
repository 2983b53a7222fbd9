#include "cloud/cloud.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "base/text.h"

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

constexpr std::array kPlatforms = {
    std::pair{Platform::linux, std::string_view("linux")},
    std::pair{Platform::windows, std::string_view("windows")},
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

bool ascii_alphanumeric(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool image_name_character(char c) {
  return ascii_alphanumeric(c) || std::string_view("()[] ./-'@_").find(c) != std::string_view::npos;
}

void check_variable(const std::string& name, const std::string& value) {
  bool good = !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
              std::all_of(name.begin(), name.end(),
                          [](char c) { return ascii_alphanumeric(c) || c == '_'; });
  if (!good) throw Error(ErrorKind::usage, "\"{}\" is not the name of a variable", name);
  // The value may be a secret and is not repeated.
  if (value.find('\0') != std::string::npos) {
    throw Error(ErrorKind::usage, "the value of variable {} holds a NUL byte", name);
  }
}

}  // namespace

std::string to_string(const Place& place) { return place.account_id + "/" + place.region; }

std::string_view to_string(ImageState state) { return word(kImageStates, state); }
std::string_view to_string(MachineState state) { return word(kMachineStates, state); }
std::string_view to_string(MachineKind kind) { return word(kMachineKinds, kind); }
std::string_view to_string(CommandState state) { return word(kCommandStates, state); }
std::string_view to_string(Platform platform) { return word(kPlatforms, platform); }

ImageState image_state_from(std::string_view text) {
  return value(kImageStates, text, "state of an image");
}
MachineState machine_state_from(std::string_view text) {
  return value(kMachineStates, text, "state of a machine");
}
MachineKind machine_kind_from(std::string_view text) {
  return value(kMachineKinds, text, "kind of machine");
}
Platform platform_from(std::string_view text) { return value(kPlatforms, text, "platform"); }

void Machines::check_launch(const Place&, const MachineSpec&, std::stop_token) {}

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

void check_copy_within(Duration within) {
  // Amazon EBS User Guide, "Time-based copies".
  using std::chrono::minutes;
  const bool good = within >= minutes(15) && within <= minutes(48 * 60) &&
                    within % minutes(15) == Duration::zero();
  if (good) return;
  throw Error(ErrorKind::usage, "a copy cannot be asked for within {} minutes",
              std::chrono::duration_cast<minutes>(within).count())
      .hint("give 15 minutes to 48 hours, in steps of 15 minutes");
}

void check_parameter_name(const std::string& name) {
  // https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
  constexpr std::size_t kLongest = 1011;
  constexpr std::ptrdiff_t kMostParts = 15;
  bool good =
      name.size() > 1 && name.size() <= kLongest && name.front() == '/' && name.back() != '/' &&
      name.find("//") == std::string::npos &&
      std::count(name.begin(), name.end(), '/') <= kMostParts &&
      std::all_of(name.begin(), name.end(), [](char c) {
        return ascii_alphanumeric(c) || std::string_view("/.-_").find(c) != std::string::npos;
      });
  if (!good) {
    throw Error(ErrorKind::usage, "\"{}\" is not a parameter name", name.substr(0, 200))
        .hint("use a path such as /GoldenAMI/latest out of letters, digits and . - _");
  }
}

void check_parameter_value(const std::string& name, const std::string& value) {
  // AWS refuses empty values too.
  if (value.empty()) throw Error(ErrorKind::usage, "the value for parameter {} is empty", name);
  if (value.size() > kMaxParameterBytes) {
    throw Error(ErrorKind::usage, "the value for parameter {} has {} bytes", name, value.size())
        .hint(fmt::format("a value has at most {} bytes", kMaxParameterBytes));
  }
}

void check_account_id(const std::string& account_id) {
  constexpr std::size_t kDigits = 12;
  bool good =
      account_id.size() == kDigits && std::all_of(account_id.begin(), account_id.end(),
                                                  [](char c) { return c >= '0' && c <= '9'; });
  if (!good) {
    throw Error(ErrorKind::usage, "\"{}\" is not an account id", account_id.substr(0, 200))
        .hint("an account id has 12 digits");
  }
}

void check_command(const CommandSpec& spec) {
  if (spec.script.find('\0') != std::string::npos) {
    throw Error(ErrorKind::usage, "the script holds a NUL byte");
  }
  if (spec.time_limit < Duration::zero()) {
    throw Error(ErrorKind::usage, "a time limit of {} ms is negative", spec.time_limit.count());
  }
  for (const auto* variables : {&spec.environment, &spec.secrets}) {
    for (const auto& [name, value] : *variables) check_variable(name, value);
  }
}

void check_image_filter(const ImageFilter& filter) {
  if (filter.name && filter.name_pattern) {
    throw Error(ErrorKind::usage, "images are asked for by a name and by a pattern");
  }
  for (const std::string& owner : filter.owners) {
    // Amazon EC2 API Reference, DescribeImages, "Owners".
    bool is_alias = owner == "self" || owner == "amazon" || owner == "aws-marketplace" ||
                    owner == "aws-backup-vault";
    if (!is_alias) check_account_id(owner);
  }
}

bool matches_name_and_owner(const Image& image, const ImageFilter& filter, const Place& place) {
  if (filter.name && image.name != *filter.name) return false;
  if (filter.name_pattern && !matches_pattern(image.name, *filter.name_pattern)) return false;
  if (filter.owners.empty()) return !filter.owned_only || image.owner_id == place.account_id;
  return std::any_of(filter.owners.begin(), filter.owners.end(), [&](const std::string& owner) {
    if (owner == "self") return image.owner_id == place.account_id;
    return owner == image.owner_id || owner == image.owner_alias;
  });
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
