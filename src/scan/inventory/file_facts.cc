#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "scan/inventory/facts.h"
#include "scan/inventory/reader.h"

namespace hallmark::scan {
namespace {

constexpr std::uint32_t kSetuid = 04000;
constexpr std::uint32_t kSetgid = 02000;
constexpr std::uint32_t kSticky = 01000;
constexpr std::uint32_t kOthersWrite = 00002;
constexpr std::uint32_t kGroupRuns = 00010;
// A key has a few KiB, a file of credentials little more. What is larger holds neither at its
// beginning.
constexpr std::uint64_t kBeginning = 16u << 10;
constexpr std::string_view kAuthorizedKeys = "/.ssh/authorized_keys";
constexpr std::uint64_t kMaxFacts = 200;  // of one rule
constexpr std::uint64_t kMaxUnread = 100;

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

/// What packages put there is known to everybody and so no secret.
bool is_packaged(std::string_view path) {
  return path.starts_with("/usr/") && !path.starts_with("/usr/local/");
}

struct SecretFile {
  std::string_view end;     ///< of the path
  std::string_view needle;  ///< what makes it one; empty: being there and not empty
};
constexpr SecretFile kCredentials[] = {
    {"/.aws/credentials", "aws_secret_access_key"},
    {"/.aws/config", "aws_secret_access_key"},
    {"/etc/boto.cfg", "aws_secret_access_key"},
    {"/.boto", "aws_secret_access_key"},
    {"/.s3cfg", "secret_key"},
    {"/gcloud/application_default_credentials.json", ""},
    {"/gcloud/credentials.db", ""},
    {"/.azure/accessTokens.json", ""},
    {"/.azure/msal_token_cache.json", ""},
    {"/.azure/msal_token_cache.bin", ""},
    {"/.docker/config.json", "\"auth\""},
    {"/.kube/config", "client-key-data"},
    {"/.kube/config", "token:"},
    {"/.kube/config", "password:"},
    {"/etc/kubernetes/admin.conf", "client-key-data"},
    {"/etc/kubernetes/admin.conf", "token:"},
    {"/.netrc", "password"},
    {"/.git-credentials", "://"},
    {"/.pgpass", ":"},
    {"/.npmrc", "_auth"},
    {"/.npmrc", "_password"},
    {"/.pypirc", "password"},
    {"/.vault-token", ""},
    {"/.terraform.d/credentials.tfrc.json", "token"},
};
constexpr std::string_view kHistories[] = {
    ".bash_history",  ".zsh_history",      ".sh_history",     ".ash_history",
    ".mysql_history", ".psql_history",     ".python_history", ".node_repl_history",
    ".lesshst",       ".rediscli_history", ".sqlite_history", ".mariadb_history"};

bool has_key_name(std::string_view name) {
  return name.ends_with(".pem") || name.ends_with(".key") || name.ends_with(".ppk") ||
         (name.starts_with("id_") && name.find('.') == name.npos);
}

}  // namespace

bool holds_private_key(std::string_view text) {
  // "-----BEGIN PRIVATE KEY-----", "-----BEGIN OPENSSH PRIVATE KEY-----" and their likes.
  for (std::size_t at = text.find("-----BEGIN "); at != text.npos;
       at = text.find("-----BEGIN ", at + 1)) {
    const std::string_view line = text.substr(at, text.find('\n', at) - at);
    if (line.find("PRIVATE KEY") != line.npos) return true;
  }
  return text.starts_with("PuTTY-User-Key-File-");
}

void FileFacts::add(const char* rule, const std::string& path, std::string detail) {
  // A tree that is writable as a whole is one mistake, not a hundred thousand.
  const std::uint64_t count = ++counts_[rule];
  if (count > kMaxFacts) return;
  inventory_.facts.push_back({rule, path, std::move(detail)});
}

void FileFacts::visit(const std::string& path, const fs::FileInfo& info) {
  look_at_mode(path, info);
  if (info.type == fs::FileType::regular && info.size_bytes > 0) look_at_name(path, info);
  // sshd follows links to it.
  if (info.type == fs::FileType::symlink && path.ends_with(kAuthorizedKeys)) {
    bool is_there = false;
    gap_on_error(inventory_.gaps, path, [&] { is_there = is_file(files_, path); });
    if (is_there) count_authorized_keys(path);
  }
}

void FileFacts::look_at_mode(const std::string& path, const fs::FileInfo& info) {
  const bool is_file = info.type == fs::FileType::regular;
  const bool is_directory = info.type == fs::FileType::directory;
  if (is_file && (info.mode & kSetuid) != 0) {
    add("setuid", path, fmt::format("mode {:04o}, of user {}", info.mode, info.uid));
  }
  // Without the right to run it, setgid meant a lock once.
  if (is_file && (info.mode & kSetgid) != 0 && (info.mode & kGroupRuns) != 0) {
    add("setgid", path, fmt::format("mode {:04o}, of group {}", info.mode, info.gid));
  }
  if ((info.mode & kOthersWrite) == 0) return;
  if (is_file) add("world-writable-file", path, fmt::format("mode {:04o}", info.mode));
  if (is_directory && (info.mode & kSticky) == 0) {
    add("world-writable-directory", path, fmt::format("mode {:04o}", info.mode));
  }
}

void FileFacts::look_at_name(const std::string& path, const fs::FileInfo& info) {
  const std::string_view name = name_of(path);
  if (path.starts_with("/var/log/")) {
    ++log_count_;
    log_bytes_ += info.size_bytes;
    return;
  }
  if (is_packaged(path)) return;
  if (path.starts_with("/etc/ssh/ssh_host_") && name.ends_with("_key")) {
    add("ssh-host-key", path);
    return;
  }
  if (std::find(std::begin(kHistories), std::end(kHistories), name) != std::end(kHistories)) {
    add("shell-history", path, format_size(info.size_bytes));
  }
  if (path.ends_with(kAuthorizedKeys)) count_authorized_keys(path);
  if (path.starts_with("/var/lib/cloud/instances/") && name == "user-data.txt") {
    add("user-data", path, "what the machine was launched with");
  }
  // People name their keys as they like.
  const bool may_be_key = has_key_name(name) || path.find("/.ssh/") != path.npos;
  if (may_be_key && holds_private_key(beginning(path))) add("private-key", path);
  for (const SecretFile& secret : kCredentials) {
    if (!path.ends_with(secret.end)) continue;
    if (secret.needle.empty() || beginning(path).find(secret.needle) != std::string::npos) {
      add("credentials", path);
      break;
    }
  }
}

void FileFacts::count_authorized_keys(const std::string& path) {
  int keys = 0;
  for (const std::string& line : split(beginning(path), '\n')) {
    keys += trim(line).empty() || trim(line)[0] == '#' ? 0 : 1;
  }
  if (keys > 0) add("authorized-key", path, fmt::format("{} keys", keys));
}

std::string FileFacts::beginning(const std::string& path) {
  std::string text;
  std::vector<model::CoverageGap> gaps;
  gap_on_error(gaps, path, [&] { text = files_.read_range(path, 0, kBeginning); });
  if (!gaps.empty() && ++unread_count_ <= kMaxUnread) inventory_.gaps.push_back(gaps.front());
  return text;
}

void FileFacts::finish() {
  for (const auto& [rule, count] : counts_) {
    if (count <= kMaxFacts) continue;
    inventory_.facts.push_back(
        {rule, "", fmt::format("and {} more files or directories", count - kMaxFacts)});
  }
  counts_.clear();
  if (unread_count_ > kMaxUnread) {
    inventory_.gaps.push_back(
        {"keys and credentials",
         fmt::format("{} more files could not be read", unread_count_ - kMaxUnread)});
  }
  if (log_count_ == 0) return;
  add("logs", "/var/log", fmt::format("{} files with {}", log_count_, format_size(log_bytes_)));
}

}  // namespace hallmark::scan
