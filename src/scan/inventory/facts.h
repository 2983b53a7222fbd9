#pragma once
/// What hardening looks at in the files of an image. scan/hardening.h says what it means.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fs/file_system.h"
#include "model/inventory.h"

namespace hallmark::scan {

/// Gathers during a walk what the names and modes of files tell, and looks into those few whose
/// content matters: keys, credentials, histories, logs.
class FileFacts {
 public:
  FileFacts(model::Inventory& inventory, fs::FileSystem& files)
      : inventory_(inventory), files_(files) {}

  void visit(const std::string& path, const fs::FileInfo& info);
  /// What was only counted.
  void finish();

 private:
  void add(const char* rule, const std::string& path, std::string detail = "");
  void look_at_mode(const std::string& path, const fs::FileInfo& info);
  void look_at_name(const std::string& path, const fs::FileInfo& info);
  void count_authorized_keys(const std::string& path);
  /// The first bytes of a file; empty where it cannot be read, which is a gap.
  std::string beginning(const std::string& path);

  model::Inventory& inventory_;
  fs::FileSystem& files_;
  std::map<std::string, std::uint64_t> counts_;  ///< by rule
  std::uint64_t unread_count_ = 0;
  std::uint64_t log_count_ = 0;
  std::uint64_t log_bytes_ = 0;
};

/// What the well-known files of /etc say: accounts and their passwords, sshd's settings, the
/// machine's own id. Adds to the inventory's facts.
void read_account_facts(model::Inventory& inventory, fs::FileSystem& files);
void read_sshd_facts(model::Inventory& inventory, fs::FileSystem& files);
void read_identity_facts(model::Inventory& inventory, fs::FileSystem& files);

/// Pure parts of the above.
std::vector<model::HardeningFact> account_facts(std::string_view passwd, std::string_view shadow);

/// Whether the text holds a private key in one of the forms that programs write.
bool holds_private_key(std::string_view text);

}  // namespace hallmark::scan
