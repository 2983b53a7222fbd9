#include <cstddef>
#include <cstdint>
#include <string>

#include "base/json.h"
#include "fuzz/only_errors.h"
#include "scan/hardening.h"
#include "scan/inventory/apk.h"
#include "scan/inventory/elf.h"
#include "scan/inventory/facts.h"
#include "scan/inventory/grub.h"
#include "scan/inventory/kernels.h"
#include "scan/inventory/languages.h"
#include "scan/inventory/memory_files.h"
#include "scan/inventory/rpm.h"
#include "scan/inventory/rpm_header.h"
#include "scan/inventory/zip.h"

namespace scan = hallmark::scan;

namespace {

scan::ReadAt reader_of(const std::string& bytes) {
  return [&bytes](std::uint64_t offset, std::uint64_t length) {
    return offset > bytes.size() ? std::string() : bytes.substr(offset, length);
  };
}

/// A file of the text's bytes at each place that is read by its name.
void read_texts(hallmark::model::Inventory& inventory, const std::string& text) {
  scan::parse_apk_installed(text, "apk");
  scan::account_facts(text, text);
  scan::holds_private_key(text);
  scan::grub_default(text, "saved");
  scan::grubenv_value(text, "saved_entry");
  scan::parse_source_rpm(text);
  scan::MemoryFiles files{
      {"/etc/ssh/sshd_config", text},        {"/etc/ssh/sshd_config.d/a.conf", text},
      {"/boot/grub/grub.cfg", text},         {"/boot/grub2/grubenv", text},
      {"/boot/loader/entries/a.conf", text}, {"/boot/extlinux.conf", text}};
  scan::read_sshd_facts(inventory, files);
  scan::read_kernels(inventory, files);
}

}  // namespace

/// The first byte says what the rest is.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [choice, rest] = hallmark::chosen(data, size);
  const std::string bytes(rest);
  hallmark::model::Inventory inventory;
  scan::Budget budget(16u << 20);
  // None of these throws for what the bytes say.
  switch (choice % 10) {
    case 0:
      scan::read_rpm_database(inventory, scan::RpmDatabase::sqlite, bytes, "", "db");
      break;
    case 1:
      scan::read_rpm_database(inventory, scan::RpmDatabase::ndb, bytes, "", "db");
      break;
    case 2:
      scan::read_rpm_database(inventory, scan::RpmDatabase::berkeley, bytes, "", "db");
      break;
    case 3: {  // a database and its log
      const std::size_t half = bytes.size() / 2;
      scan::read_rpm_database(inventory, scan::RpmDatabase::sqlite, bytes.substr(0, half),
                              bytes.substr(half), "db");
      break;
    }
    case 4:
      read_texts(inventory, bytes);
      break;
    case 5:
      hallmark::only_errors([&] { scan::parse_rpm_header(bytes); });
      hallmark::only_errors([&] { scan::each_rpm_file(bytes, [](std::string) {}); });
      break;
    case 6:
      hallmark::only_errors([&] { scan::program_packages(reader_of(bytes), budget); });
      break;
    case 7:
      hallmark::only_errors(
          [&] { scan::read_jar(inventory, reader_of(bytes), bytes.size(), "a", budget); });
      break;
    case 8:
      hallmark::only_errors([&] { scan::parse_npm_lock(bytes); });
      hallmark::only_errors([&] { scan::parse_npm_package(bytes); });
      scan::parse_python_metadata(bytes);
      scan::parse_gemspec(bytes);
      break;
    default:
      scan::go_modules("go1.21", bytes);
      hallmark::only_errors([&] { scan::rust_crates(bytes, budget); });
  }
  scan::hardening_findings(inventory);
  return 0;
}
