#include "scan/inventory/elf.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "scan/inventory/bytes.h"

namespace hallmark::scan {
namespace {

// Lists of packages have some hundred KiB in the largest programs.
constexpr std::uint64_t kMaxList = 8u << 20;
constexpr std::uint64_t kMaxNames = 1u << 20;
// None that is looked for has as many letters.
constexpr std::uint64_t kMaxName = 64;
constexpr std::string_view kGoMagic("\xff Go buildinf:", 14);

struct Section {
  std::uint64_t address = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  bool is_loaded = false;  ///< only then its address means anything
};

/// The sections of a program by name.
class Elf {
 public:
  /// Nothing if the file is no ELF file, or has no table of sections.
  static std::optional<Elf> open(const ReadAt& read) {
    const std::string head = read(0, 64);
    if (head.size() < 52 || !head.starts_with("\x7f"
                                              "ELF"))
      return std::nullopt;
    Elf elf(read, head[5] == 2, head[4] == 2);
    if (!elf.read_sections(Bytes(head, elf.big_endian_))) return std::nullopt;
    return elf;
  }

  const Section* find(const std::string& name) const {
    auto found = sections_.find(name);
    return found == sections_.end() ? nullptr : &found->second;
  }

  std::string content(const Section& section) const {
    if (section.size > kMaxList) {
      throw Error(ErrorKind::corrupt, "a list of packages of {} bytes", section.size);
    }
    return whole(section.offset, section.size);
  }

  /// What lies at an address of the running program. Throws `corrupt` if nothing does.
  std::string at_address(std::uint64_t address, std::uint64_t length) const {
    for (const auto& [name, section] : sections_) {
      if (!section.is_loaded || address < section.address ||
          address - section.address >= section.size)
        continue;
      const std::uint64_t within = address - section.address;
      if (length > section.size - within || length > kMaxList) break;
      return whole(section.offset + within, length);
    }
    throw Error(ErrorKind::corrupt, "{} bytes at address {:#x} lie in no section", length, address);
  }

  bool is_big_endian() const { return big_endian_; }

 private:
  Elf(const ReadAt& read, bool big_endian, bool is_64_bit)
      : read_(read), big_endian_(big_endian), is_64_bit_(is_64_bit) {}

  std::string whole(std::uint64_t offset, std::uint64_t length) const {
    std::string bytes = read_(offset, length);
    if (bytes.size() != length) {
      throw Error(ErrorKind::corrupt, "{} bytes at {} lie behind the end", length, offset);
    }
    return bytes;
  }

  std::uint64_t word(const Bytes& bytes, std::uint64_t at_32, std::uint64_t at_64) const {
    return is_64_bit_ ? bytes.u64(at_64) : bytes.u32(at_32);
  }

  bool read_sections(const Bytes& head) {
    if (is_64_bit_ && head.size() < 64) return false;
    const std::uint64_t table = word(head, 0x20, 0x28);
    const std::uint64_t size = head.u16(is_64_bit_ ? 0x3a : 0x2e);
    const std::uint64_t count = head.u16(is_64_bit_ ? 0x3c : 0x30);
    const std::uint64_t names_at = head.u16(is_64_bit_ ? 0x3e : 0x32);
    if (table == 0 || size != (is_64_bit_ ? 64u : 40u) || names_at >= count) return false;
    const std::string rows = read_(table, size * count);
    if (rows.size() != size * count) return false;
    const Bytes bytes(rows, big_endian_);
    auto section = [&](std::uint64_t index) {
      const std::uint64_t at = index * size;
      return Section{.address = word(bytes, at + 0x0c, at + 0x10),
                     .offset = word(bytes, at + 0x10, at + 0x18),
                     .size = word(bytes, at + 0x14, at + 0x20),
                     .is_loaded = (word(bytes, at + 0x08, at + 0x08) & 2) != 0};
    };
    const Section name_section = section(names_at);
    const std::string names = read_(name_section.offset, std::min(name_section.size, kMaxNames));
    for (std::uint64_t i = 0; i < count; ++i) {
      constexpr std::uint32_t kNoBits = 8;  // takes no place in the file
      const std::uint32_t name = bytes.u32(i * size);
      if (bytes.u32(i * size + 4) == kNoBits || name >= names.size()) continue;
      const std::string_view rest = std::string_view(names).substr(name, kMaxName);
      sections_.try_emplace(std::string(rest.substr(0, rest.find('\0'))), section(i));
    }
    return true;
  }

  const ReadAt& read_;
  bool big_endian_;
  bool is_64_bit_;
  std::map<std::string, Section> sections_;
};

/// A length of seven bits a byte, the lowest first, and as many bytes.
std::string_view go_inline_text(const Bytes& bytes, std::uint64_t& at) {
  std::uint64_t length = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    const std::uint8_t byte = bytes.u8(at++);
    length |= std::uint64_t{byte & 0x7fu} << shift;
    if ((byte & 0x80u) != 0) continue;
    const std::string_view text = bytes.part(at, length);
    at += length;
    return text;
  }
  throw Error(ErrorKind::corrupt, "Go's build information has a length without end");
}

/// Before Go 1.18: a pointer to a string, which is a pointer and a length.
std::string go_text_at(const Elf& elf, const Bytes& info, std::uint64_t at) {
  const std::uint64_t width = info.u8(14);
  if (width != 4 && width != 8) {
    throw Error(ErrorKind::corrupt, "Go's build information has pointers of {} bytes", width);
  }
  auto word = [&](const Bytes& bytes, std::uint64_t place) {
    return width == 8 ? bytes.u64(place) : bytes.u32(place);
  };
  const std::uint64_t header_at = word(info, at == 0 ? 16 : 16 + width);
  if (header_at == 0) return "";
  const std::string header = elf.at_address(header_at, 2 * width);
  const Bytes bytes(header, info.u8(15) == 1);
  const std::uint64_t length = word(bytes, width);
  return length == 0 ? "" : elf.at_address(word(bytes, 0), length);
}

std::vector<model::Package> go_packages(const Elf& elf, const Section& section) {
  const std::string content = elf.content(section);
  const std::uint8_t flags = Bytes(content, false).u8(15);
  const Bytes info(content, (flags & 1u) != 0);
  if (info.part(0, kGoMagic.size()) != kGoMagic) {
    throw Error(ErrorKind::corrupt, "Go's build information does not begin as it should");
  }
  std::string toolchain;
  std::string modules;
  if ((flags & 2u) != 0) {
    std::uint64_t at = 32;
    toolchain = go_inline_text(info, at);
    modules = go_inline_text(info, at);
  } else {
    toolchain = go_text_at(elf, info, 0);
    modules = go_text_at(elf, info, 1);
  }
  if (!toolchain.starts_with("go") && !toolchain.starts_with("devel")) {
    throw Error(ErrorKind::corrupt, "Go's build information names no version of Go");
  }
  // The text stands between two marks of 16 bytes.
  if (modules.size() >= 33 && modules[modules.size() - 17] == '\n') {
    modules = modules.substr(16, modules.size() - 32);
  }
  return go_modules(toolchain, modules);
}

model::Package made(const char* manager, std::string name, std::string version) {
  return {.name = name,
          .version = version,
          .architecture = "",
          .source_name = name,
          .source_version = version,
          .manager = manager};
}

}  // namespace

std::vector<model::Package> go_modules(std::string_view toolchain, std::string_view text) {
  std::vector<model::Package> packages;
  // "go1.21.5 X:boringcrypto". One that was built from a commit has no version to compare.
  if (toolchain.starts_with("go")) {
    packages.push_back(
        made("go", "stdlib", std::string(toolchain.substr(2, toolchain.find(' ') - 2))));
  }
  bool has_replaceable = false;  // the line before was a module that is listed
  for (const std::string& line : split(text, '\n')) {
    const std::vector<std::string> words = split(line, '\t');
    if (words.size() < 3) continue;
    const bool is_module = words[0] == "mod" || words[0] == "dep";
    // What is built has no version where it is not installed by one.
    const bool has_version = words[2].starts_with('v');
    if (words[0] == "=>") {
      // What stands in for it may be a folder of whoever built the program.
      if (has_replaceable) packages.pop_back();
      if (has_version) packages.push_back(made("go", words[1], words[2]));
    }
    has_replaceable = is_module && has_version;
    if (has_replaceable) packages.push_back(made("go", words[1], words[2]));
  }
  return packages;
}

std::vector<model::Package> rust_crates(std::string_view packed, Budget& budget) {
  const std::string text = inflated(packed, false, kMaxList);
  budget.spend(text.size());
  const Json list = parse_json(text, "cargo-auditable's list");
  std::vector<model::Package> packages;
  auto crates = list.find("packages");
  if (!list.is_object() || crates == list.end() || !crates->is_array()) {
    throw Error(ErrorKind::corrupt, "cargo-auditable's list has no packages");
  }
  for (const Json& crate : *crates) {
    if (!crate.is_object()) throw Error(ErrorKind::corrupt, "cargo-auditable's list is odd");
    // What only ran while it was built is not in it.
    if (crate.value("kind", Json()) == "build") continue;
    packages.push_back(
        made("rust", member<std::string>(crate, "name"), member<std::string>(crate, "version")));
  }
  return packages;
}

std::vector<model::Package> program_packages(const ReadAt& read, Budget& budget) {
  const std::optional<Elf> elf = Elf::open(read);
  if (!elf) return {};
  std::vector<model::Package> packages;
  if (const Section* section = elf->find(".go.buildinfo")) packages = go_packages(*elf, *section);
  if (const Section* section = elf->find(".dep-v0")) {
    for (model::Package& crate : rust_crates(elf->content(*section), budget)) {
      packages.push_back(std::move(crate));
    }
  }
  return packages;
}

}  // namespace hallmark::scan
