#include "workflow/lease.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "base/ids.h"
#include "base/sync.h"
#include "base/text.h"

namespace hallmark::workflow {

namespace {

/// Engines of this process that are alive. After a fork the copy is wrong for the child, but the
/// child has another pid.
Sync<std::set<std::string>>& living() {
  static Sync<std::set<std::string>> set;
  return set;
}

std::string host_name() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return replace_all(name, ":", "_");
}

/// Two processes with the same scope see each other's pids: one boot of one kernel, one pid
/// namespace.
const std::string& scope() {
  static const std::string text = [] {
    std::string boot = read_file_if_exists("/proc/sys/kernel/random/boot_id").value_or("");
    std::error_code ignored;
    Path space = std::filesystem::read_symlink("/proc/self/ns/pid", ignored);
    return sha256_hex(boot + space.string()).substr(0, 12);
  }();
  return text;
}

/// When the process started, in kernel ticks since boot: tells it from a later one that got its
/// pid. Nothing if there is no such process or it has ended and only waits to be reaped.
std::optional<std::string> start_time(const std::string& pid) {
  std::string stat;
  try {
    stat = read_file("/proc/" + pid + "/stat");
  } catch (const Error&) {
    return std::nullopt;
  }
  // The second field is the name in parentheses and may contain anything; see proc(5). Behind it
  // come the state (field 3) and, as field 22, the start time.
  std::size_t name_end = stat.rfind(") ");
  if (name_end == std::string::npos) return std::nullopt;
  std::vector<std::string> fields = split(std::string_view(stat).substr(name_end + 2), ' ');
  constexpr std::size_t kState = 0, kStartTime = 22 - 3;
  if (fields.size() <= kStartTime || fields[kState] == "Z" || fields[kState] == "X") {
    return std::nullopt;
  }
  return fields[kStartTime];
}

}  // namespace

LeaseIdentity::LeaseIdentity() {
  const std::string pid = std::to_string(::getpid());
  owner_ = fmt::format("{}:{}:{}:{}:{}", host_name(), pid, start_time(pid).value_or("0"), scope(),
                       random_id("engine"));
  living().lock()->insert(owner_);
}

LeaseIdentity::~LeaseIdentity() { living().lock()->erase(owner_); }

LeaseTime lease_time(db::Connection& connection, const Clock& clock) {
  const std::optional<db::ServerTime> server = connection.server_time();
  if (!server) return {.now = clock.now()};
  return {.now = server->now, .shared = true, .server_started_at = server->started_at};
}

bool lease_holds(std::string_view owner, TimePoint expires_at, const LeaseTime& time,
                 Duration lease) {
  std::vector<std::string> parts = split(owner, ':');
  if (parts.size() == 5 && parts[3] == scope()) {
    bool lives = start_time(parts[1]) == parts[2];
    if (lives && parts[1] == std::to_string(::getpid())) {
      lives = living().lock()->contains(std::string(owner));
    }
    if (!lives || !time.shared) return lives;
  }
  if (time.shared) expires_at = std::max(expires_at, time.server_started_at + lease);
  return expires_at > time.now;
}

}  // namespace hallmark::workflow
