#include "scan/advisory/advisory_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/ids.h"
#include "base/json.h"

namespace hallmark::scan {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the file is in the order of these machines");

[[noreturn]] void broken(std::string_view what) {
  throw Error(ErrorKind::corrupt, "the compiled advisories are damaged: {}", what)
      .hint("`hallmark advisory update` compiles them anew");
}

std::string_view view(const std::array<char, 64>& text) { return {text.data(), text.size()}; }

const HeaderRecord& header_of(const char* data) {
  return *reinterpret_cast<const HeaderRecord*>(data);
}

}  // namespace

struct AdvisoryFile::Mapping {
  void* at = nullptr;
  std::size_t size = 0;
  ~Mapping() {
    if (at != nullptr) ::munmap(at, size);
  }
};

std::shared_ptr<const AdvisoryFile> AdvisoryFile::open(const Path& path) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT) {
      throw Error(ErrorKind::not_found, "there are no compiled advisories: {}", path.string())
          .hint("`hallmark advisory update` fetches and compiles them");
    }
    throw_errno(errno, "cannot open " + path.string());
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw_errno(errno, "cannot read " + path.string());
  auto mapping = std::make_unique<Mapping>();
  mapping->size = static_cast<std::size_t>(status.st_size);
  if (mapping->size < sizeof(HeaderRecord)) broken("it is too short");
  void* at = ::mmap(nullptr, mapping->size, PROT_READ, MAP_SHARED, file.get(), 0);
  if (at == MAP_FAILED) throw_errno(errno, "cannot map " + path.string());
  mapping->at = at;
  return std::shared_ptr<const AdvisoryFile>(new AdvisoryFile(std::move(mapping)));
}

AdvisoryFile::AdvisoryFile(std::unique_ptr<Mapping> mapping) : mapping_(std::move(mapping)) {
  read({static_cast<const char*>(mapping_->at), mapping_->size});
}

AdvisoryFile::AdvisoryFile(std::string_view bytes) : copy_(bytes.size() / 8 + 1) {
  std::memcpy(copy_.data(), bytes.data(), bytes.size());
  read({reinterpret_cast<const char*>(copy_.data()), bytes.size()});
}

AdvisoryFile::~AdvisoryFile() = default;

template <typename Record>
std::span<const Record> AdvisoryFile::section(Section number) const {
  const SectionRecord& section = header_of(data_).sections[number];
  if (section.offset % 8 != 0 || section.offset < sizeof(HeaderRecord) || section.offset > size_ ||
      section.count > (size_ - section.offset) / sizeof(Record)) {
    broken("a section lies outside of the file");
  }
  return {reinterpret_cast<const Record*>(data_ + section.offset), section.count};
}

void AdvisoryFile::read(std::string_view bytes) {
  data_ = bytes.data();
  size_ = bytes.size();
  if (size_ < sizeof(HeaderRecord)) broken("it is too short");
  const HeaderRecord& header = header_of(data_);
  if (std::string_view(header.magic.data(), header.magic.size()) != kAdvisoryMagic) {
    broken("it is no file of advisories");
  }
  if (header.version != kAdvisoryVersion) {
    throw Error(ErrorKind::corrupt, "the compiled advisories have format {}, this program reads {}",
                header.version, kAdvisoryVersion)
        .hint("`hallmark advisory update` compiles them anew");
  }
  const std::string_view before =
      bytes.substr(0, sizeof(HeaderRecord) - sizeof header.header_sha256);
  if (header.header_bytes != sizeof(HeaderRecord) ||
      sha256_hex(before) != view(header.header_sha256)) {
    broken("its header was changed");
  }
  if (header.file_bytes != size_) broken("it was cut or has grown");
  ecosystems_ = section<EcosystemRecord>(kEcosystems);
  packages_ = section<PackageRecord>(kPackages);
  statements_ = section<StatementRecord>(kStatements);
  advisories_ = section<AdvisoryRecord>(kAdvisories);
  cves_ = section<TextRef>(kCves);
  texts_ = section<char>(kTexts);
  const auto feeds = section<char>(kFeeds);
  try {
    feeds_ = parse_json({feeds.data(), feeds.size()}, "its feeds").get<std::vector<FeedInfo>>();
  } catch (const std::exception&) {
    broken("its list of feeds makes no sense");
  }
}

void AdvisoryFile::verify() const {
  const std::string_view body{data_ + sizeof(HeaderRecord), size_ - sizeof(HeaderRecord)};
  if (sha256_hex(body) != digest()) broken("it does not have the digest that it names");
}

std::string_view AdvisoryFile::digest() const { return view(header_of(data_).body_sha256); }

std::string_view AdvisoryFile::text(TextRef place) const {
  std::uint16_t length = 0;
  if (place == 0) return {};
  if (texts_.size() < sizeof length || place > texts_.size() - sizeof length) {
    broken("a text lies outside of the file");
  }
  std::memcpy(&length, texts_.data() + place, sizeof length);
  if (length > texts_.size() - sizeof length - place) broken("a text lies outside of the file");
  return {texts_.data() + place + sizeof length, length};
}

const EcosystemRecord* AdvisoryFile::ecosystem(std::string_view name) const {
  const auto found = std::lower_bound(ecosystems_.begin(), ecosystems_.end(), name,
                                      [&](const EcosystemRecord& record, std::string_view wanted) {
                                        return text(record.name) < wanted;
                                      });
  if (found == ecosystems_.end() || text(found->name) != name) return nullptr;
  if (found->first > packages_.size() || found->count > packages_.size() - found->first ||
      found->order >= kVersionOrders) {
    broken("an ecosystem lies outside of the file");
  }
  return &*found;
}

std::span<const StatementRecord> AdvisoryFile::find(const EcosystemRecord& ecosystem,
                                                    std::string_view package) const {
  const auto packages = packages_.subspan(ecosystem.first, ecosystem.count);
  const std::uint64_t prefix = name_prefix(package);
  const auto found = std::lower_bound(packages.begin(), packages.end(), prefix,
                                      [&](const PackageRecord& record, std::uint64_t wanted) {
                                        if (record.prefix != wanted) return record.prefix < wanted;
                                        return text(record.name) < package;
                                      });
  if (found == packages.end() || found->prefix != prefix || text(found->name) != package) return {};
  if (found->first > statements_.size() || found->count > statements_.size() - found->first) {
    broken("a package's statements lie outside of the file");
  }
  return statements_.subspan(found->first, found->count);
}

const AdvisoryRecord& AdvisoryFile::advisory(std::uint32_t number) const {
  if (number >= advisories_.size()) broken("an advisory lies outside of the file");
  const AdvisoryRecord& record = advisories_[number];
  if (record.feed >= feeds_.size()) broken("an advisory names no feed");
  return record;
}

std::span<const TextRef> AdvisoryFile::cves(const AdvisoryRecord& advisory) const {
  if (advisory.first_cve > cves_.size() || advisory.cve_count > cves_.size() - advisory.first_cve) {
    broken("an advisory's CVEs lie outside of the file");
  }
  return cves_.subspan(advisory.first_cve, advisory.cve_count);
}

void to_json(Json& json, const FeedInfo& value) {
  json = {{"name", value.name},
          {"kind", value.kind},
          {"url", value.url},
          {"digest", value.digest},
          {"valid_from", value.valid_from},
          {"fetched_at", value.fetched_at},
          {"records", value.records},
          {"withdrawn", value.withdrawn},
          {"unreadable", value.unreadable},
          {"elsewhere", value.elsewhere},
          {"ecosystems", value.ecosystems},
          {"in_passing", value.in_passing},
          {"good_until", value.good_until},
          {"damage", value.damage}};
}

void from_json(const Json& json, FeedInfo& value) {
  value.name = member<std::string>(json, "name");
  value.kind = member<std::string>(json, "kind");
  value.url = member<std::string>(json, "url");
  value.digest = member<std::string>(json, "digest");
  value.valid_from = member<std::string>(json, "valid_from");
  value.fetched_at = member<std::string>(json, "fetched_at");
  value.records = member<std::uint64_t>(json, "records");
  value.withdrawn = member<std::uint64_t>(json, "withdrawn");
  value.unreadable = member<std::uint64_t>(json, "unreadable");
  value.elsewhere = member<std::uint64_t>(json, "elsewhere");
  value.ecosystems = member<std::vector<std::string>>(json, "ecosystems");
  value.in_passing = member<std::vector<std::string>>(json, "in_passing");
  value.good_until = member<std::string>(json, "good_until");
  value.damage = member<std::string>(json, "damage");
}

}  // namespace hallmark::scan
