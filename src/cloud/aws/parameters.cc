#include "cloud/aws/parameters.h"

#include <algorithm>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"

namespace hallmark::cloud::on_aws {

namespace {

using namespace std::chrono_literals;

/// Nobody holds a lock longer than its two or three calls take; past this its holder has died.
constexpr Duration kLockLife = 60s;
/// Two that find the same dead lock both write their name into it; after this long, which no call
/// takes, the last name is everybody's answer.
constexpr Duration kTakeoverGrace = 10s;
constexpr Duration kFirstRacePause = 50ms;
constexpr Duration kLongestRacePause = 1s;
constexpr Duration kLockLimit = 2min;

bool not_found(const ApiError& e) { return e.code() == "ParameterNotFound"; }
bool exists(const ApiError& e) { return e.code() == "ParameterAlreadyExists"; }

struct Stored {
  Parameter parameter;
  TimePoint modified_at{};
};

std::optional<Stored> read(const Session& session, const Place& place, const std::string& name) {
  try {
    Value answer = session.call(place, "ssm", "GetParameter", {{"Name", name}});
    const Value& found = answer.at("Parameter");
    double seconds = found.value("LastModifiedDate", 0.0);
    return Stored{
        {.name = text(found, "Name"),
         .value = text(found, "Value"),
         .version = found.value("Version", std::int64_t{0})},
        TimePoint(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)))};
  } catch (const ApiError& e) {
    if (not_found(e)) return std::nullopt;
    throw;
  }
}

/// AWS Systems Manager User Guide, "Native parameter support for Amazon Machine Image IDs": the id
/// is checked after the call has been answered, and a version that fails never comes to be.
void await_check(const Session& session, const Place& place, const std::string& name,
                 const std::string& image_id, std::int64_t version) {
  const TimePoint until = session.clock.now() + session.config.image_check_limit;
  for (Duration pause = kFirstRacePause;;
       pause = std::min<Duration>(pause * 2, kLongestRacePause)) {
    auto present = read(session, place, name);
    if (present && present->parameter.version >= version) return;
    if (session.clock.now() >= until) {
      throw Error(ErrorKind::usage, "AWS did not take {} as the image id of parameter {} in {}",
                  image_id, name, to_string(place))
          .hint("the account must own the image, or it must be shared with it");
    }
    session.clock.sleep_until(session.clock.now() + pause, {});
  }
}

std::int64_t write(const Session& session, const Place& place, const std::string& name,
                   const std::string& value, bool overwrite,
                   ParameterKind kind = ParameterKind::text) {
  Value input = {{"Name", name}, {"Value", value}, {"Type", "String"}, {"Overwrite", overwrite}};
  // An advanced parameter costs money and never becomes a standard one again.
  if (value.size() > kStandardParameterBytes) input["Tier"] = "Advanced";
  if (kind == ParameterKind::image_id) input["DataType"] = "aws:ec2:image";
  Value answer = session.call(place, "ssm", "PutParameter", input);
  return answer.value("Version", std::int64_t{0});
}

void erase(const Session& session, const Place& place, const std::string& name) {
  try {
    session.call(place, "ssm", "DeleteParameter", {{"Name", name}});
  } catch (const ApiError& e) {
    if (!not_found(e)) throw;
  }
}

/// Held while it lives. Who dies with it leaves it to the others after kLockLife.
class Lock {
 public:
  Lock(const Session& session, const Place& place, const std::string& name)
      : session_(session),
        place_(place),
        name_(kLockPath + sha256_hex(name)),
        owner_(random_id("lock")) {
    const TimePoint until = session.clock.now() + kLockLimit;
    for (Duration pause = kFirstRacePause;;
         pause = std::min<Duration>(pause * 2, kLongestRacePause)) {
      taken_at_ = session.clock.now();
      if (created() || taken_over()) return;
      if (session.clock.now() >= until) {
        throw Error(ErrorKind::unavailable, "parameter {} in {} has been locked for {}", name,
                    to_string(place), format_duration(kLockLimit))
            .note("by " + name_);
      }
      session.clock.sleep_until(session.clock.now() + pause, {});
    }
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() {
    // It may be somebody else's by now.
    if (session_.clock.now() >= taken_at_ + kLockLife) return;
    try {
      erase(session_, place_, name_);
    } catch (const Error&) {
      // It dies by itself.
    }
  }

 private:
  bool created() {
    try {
      write(session_, place_, name_, owner_, false);
      return true;
    } catch (const ApiError& e) {
      if (!exists(e)) throw;
    }
    // Ours, if the answer to an earlier try was lost.
    auto present = read(session_, place_, name_);
    return present && present->parameter.value == owner_;
  }

  bool taken_over() {
    auto present = read(session_, place_, name_);
    if (!present || session_.clock.now() < present->modified_at + kLockLife) return false;
    write(session_, place_, name_, owner_, true);
    session_.clock.sleep_until(session_.clock.now() + kTakeoverGrace, {});
    present = read(session_, place_, name_);
    return present && present->parameter.value == owner_;
  }

  const Session& session_;
  const Place place_;
  const std::string name_;
  const std::string owner_;
  TimePoint taken_at_{};  ///< not later than it was
};

Error changed(const std::string& name, const Place& place, std::int64_t expected,
              std::int64_t present) {
  return Error(ErrorKind::conflict, "parameter {} in {} has version {}, not {}", name,
               to_string(place), present, expected);
}

}  // namespace

std::optional<Parameter> get_parameter(const Session& session, const Place& place,
                                       const std::string& name) {
  check_parameter_name(name);
  auto stored = read(session, place, name);
  return stored ? std::optional(stored->parameter) : std::nullopt;
}

std::int64_t put_parameter(const Session& session, const Place& place, const std::string& name,
                           const std::string& value, std::int64_t expected_version,
                           ParameterKind kind) {
  check_parameter_name(name);
  check_parameter_value(name, value);
  if (expected_version < 0) {
    throw Error(ErrorKind::usage, "a version of {} is not one", expected_version);
  }
  if (expected_version == 0) {
    try {
      const std::int64_t version = write(session, place, name, value, false, kind);
      if (kind == ParameterKind::image_id) await_check(session, place, name, value, version);
      return version;
    } catch (const ApiError& e) {
      if (!exists(e)) throw;
      throw Error(ErrorKind::conflict, "parameter {} exists already in {}", name, to_string(place));
    }
  }
  std::int64_t version = 0;
  {
    Lock lock(session, place, name);
    auto present = read(session, place, name);
    version = present ? present->parameter.version : 0;
    if (version != expected_version) throw changed(name, place, expected_version, version);
    version = write(session, place, name, value, true, kind);
  }
  // Not under the lock, which lives no longer than a few calls take.
  if (kind == ParameterKind::image_id) await_check(session, place, name, value, version);
  return version;
}

void remove_parameter(const Session& session, const Place& place, const std::string& name,
                      std::int64_t expected_version) {
  check_parameter_name(name);
  Lock lock(session, place, name);
  auto present = read(session, place, name);
  if (!present) return;
  if (present->parameter.version != expected_version) {
    throw changed(name, place, expected_version, present->parameter.version);
  }
  erase(session, place, name);
}

std::vector<Parameter> list_parameters(const Session& session, const Place& place,
                                       const std::string& path) {
  // By the directory above, because a path in AWS's sense ends at a slash.
  std::string above = path.substr(0, path.rfind('/'));
  std::vector<Parameter> parameters;
  session.each_page(place, "ssm", "GetParametersByPath",
                    {{"Path", above.empty() ? "/" : above}, {"Recursive", true}},
                    [&](const Value& page) {
                      for (const Value& found : page.value("Parameters", Value::array())) {
                        std::string name = text(found, "Name");
                        if (!name.starts_with(path) || name.starts_with(kLockPath)) continue;
                        parameters.push_back({.name = name,
                                              .value = text(found, "Value"),
                                              .version = found.value("Version", std::int64_t{0})});
                      }
                    });
  std::sort(parameters.begin(), parameters.end(),
            [](const Parameter& a, const Parameter& b) { return a.name < b.name; });
  return parameters;
}

}  // namespace hallmark::cloud::on_aws
