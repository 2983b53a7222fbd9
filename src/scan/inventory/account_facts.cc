#include <crypt.h>
#include <fmt/format.h>

#include <charconv>
#include <map>
#include <set>

#include "base/text.h"
#include "scan/inventory/facts.h"
#include "scan/inventory/reader.h"

namespace hallmark::scan {
namespace {

// What images and appliances have been delivered with; the user's own name is tried besides.
constexpr const char* kDefaultPasswords[] = {"password", "root",    "admin",   "toor",
                                             "changeme", "vagrant", "default", "123456"};
// Trying a password costs what the hash's maker chose; an image does not choose our time.
constexpr std::size_t kMaxAccountsTried = 20;
constexpr int kMaxRounds = 10'000;

/// Whether trying a password against it takes milliseconds: yescrypt at its usual cost, SHA-crypt
/// at its usual rounds, MD5.
bool is_quick(const std::string& hash) {
  if (hash.starts_with("$y$j9T$") || hash.starts_with("$1$")) return true;
  if (!hash.starts_with("$5$") && !hash.starts_with("$6$")) return false;
  constexpr std::string_view kRounds = "rounds=";
  if (hash.compare(3, kRounds.size(), kRounds) != 0) return true;
  int rounds = 0;
  const char* first = hash.data() + 3 + kRounds.size();
  std::from_chars(first, hash.data() + hash.size(), rounds);
  return rounds > 0 && rounds <= kMaxRounds;
}

bool is_password(const std::string& candidate, const std::string& hash) {
  crypt_data data{};
  const char* made = crypt_r(candidate.c_str(), hash.c_str(), &data);
  return made != nullptr && hash == made;
}

bool has_default_password(const std::string& user, const std::string& hash) {
  for (const char* candidate : kDefaultPasswords) {
    if (is_password(candidate, hash)) return true;
  }
  return is_password(user, hash);
}

std::vector<std::vector<std::string>> rows_of(std::string_view text, std::size_t columns) {
  std::vector<std::vector<std::string>> rows;
  for (const std::string& line : split(text, '\n')) {
    std::vector<std::string> row = split(line, ':');
    // "+" and "-" ask a directory service for others.
    const bool is_account =
        row.size() >= columns && !row[0].empty() && row[0][0] != '+' && row[0][0] != '-';
    if (is_account) rows.push_back(std::move(row));
  }
  return rows;
}

/// "*" and "!" are no password's hash: nobody gets in by one.
bool is_locked(const std::string& hash) {
  return hash.starts_with('*') || hash.starts_with('!') || hash == "x";
}

}  // namespace

std::vector<model::HardeningFact> account_facts(std::string_view passwd, std::string_view shadow) {
  std::vector<model::HardeningFact> facts;
  auto add = [&](const char* rule, const char* path, std::string detail) {
    facts.push_back({rule, path, std::move(detail)});
  };
  for (const auto& row : rows_of(passwd, 4)) {
    if (row[1].empty()) add("empty-password", "/etc/passwd", "user " + row[0]);
    const bool is_root = !row[2].empty() && row[2].find_first_not_of('0') == std::string::npos;
    if (is_root && row[0] != "root") add("second-root", "/etc/passwd", "user " + row[0]);
    if (!row[1].empty() && !is_locked(row[1])) {
      add("password-in-passwd", "/etc/passwd", "user " + row[0]);
    }
  }
  std::size_t tried = 0;
  for (const auto& row : rows_of(shadow, 2)) {
    const std::string& user = row[0];
    const std::string& hash = row[1];
    if (hash.empty()) {
      add("empty-password", "/etc/shadow", "user " + user);
    } else if (!is_locked(hash)) {
      if (!hash.starts_with('$') || hash.starts_with("$1$")) {
        add("weak-password-hash", "/etc/shadow", "user " + user);
      }
      const bool is_default =
          is_quick(hash) && tried++ < kMaxAccountsTried && has_default_password(user, hash);
      add(is_default ? "default-password" : "password", "/etc/shadow", "user " + user);
    }
  }
  return facts;
}

void read_account_facts(model::Inventory& inventory, fs::FileSystem& files) {
  const std::string passwd = text_of(inventory, files, "/etc/passwd");
  const std::string shadow = text_of(inventory, files, "/etc/shadow");
  for (model::HardeningFact& fact : account_facts(passwd, shadow)) {
    inventory.facts.push_back(std::move(fact));
  }
}

void read_identity_facts(model::Inventory& inventory, fs::FileSystem& files) {
  for (const char* path : {"/etc/machine-id", "/var/lib/dbus/machine-id"}) {
    gap_on_error(inventory.gaps, path, [&, place = path] {
      auto info = files.stat(place, false);
      if (!info || info->type != fs::FileType::regular) return;
      const std::string id(trim(files.read_file(place, kMaxText)));
      // What systemd itself leaves for the first boot.
      if (!id.empty() && id != "uninitialized")
        inventory.facts.push_back({"machine-id", place, ""});
    });
  }
  for (const char* path : {"/var/lib/systemd/random-seed", "/var/lib/systemd/credential.secret"}) {
    gap_on_error(inventory.gaps, path, [&, place = path] {
      if (is_file(files, place)) inventory.facts.push_back({"random-seed", place, ""});
    });
  }
}

}  // namespace hallmark::scan
