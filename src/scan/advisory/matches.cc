#include "scan/advisory/matches.h"

#include <functional>
#include <mutex>

#include "scan/advisory/ecosystem.h"
#include "scan/advisory/match.h"

namespace hallmark::scan {
namespace {

constexpr std::size_t kFirstSlots = 1024;

/// The keys of an inventory's packages, one behind the other.
class Keys {
 public:
  explicit Keys(const model::Inventory& inventory) : ecosystems_(inventory.distribution) {
    const std::size_t count = inventory.packages.size();
    ends_.reserve(count);
    hashes_.reserve(count);
    text_.reserve(count * kUsual);
    for (const model::Package& package : inventory.packages) add(package);
  }

  std::string_view key(std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(text_).substr(begin, ends_[i] - begin);
  }
  std::uint64_t hash(std::size_t i) const { return hashes_[i]; }
  EcosystemNames& ecosystems() { return ecosystems_; }

 private:
  static constexpr std::size_t kUsual = 128;

  /// Where it lies is all that does not matter. A text cannot be taken for another one and a part
  /// of the next: each has its length before it.
  void add(const model::Package& package) {
    const std::size_t begin = text_.size();
    for (const std::string_view text :
         {std::string_view(ecosystems_.of(package)), std::string_view(package.name),
          std::string_view(package.version), std::string_view(package.architecture),
          std::string_view(package.source_name), std::string_view(package.source_version),
          std::string_view(package.module), std::string_view(package.manager)}) {
      const auto size = static_cast<std::uint32_t>(text.size());
      text_.append(reinterpret_cast<const char*>(&size), sizeof size);
      text_.append(text);
    }
    ends_.push_back(text_.size());
    hashes_.push_back(std::hash<std::string_view>()(std::string_view(text_).substr(begin)));
  }

  EcosystemNames ecosystems_;
  std::string text_;
  std::vector<std::size_t> ends_;
  std::vector<std::uint64_t> hashes_;
};

}  // namespace

const std::string& EcosystemNames::of(const model::Package& package) {
  for (const auto& [manager, name] : by_manager_) {
    if (manager == package.manager) return name;
  }
  return by_manager_.emplace_back(package.manager, ecosystem_of(package, distribution_)).second;
}

Matches::Matches(std::shared_ptr<const AdvisoryFile> file)
    : file_(std::move(file)), slots_(kFirstSlots) {}

const PackageMatch* Matches::find(std::uint64_t hash, std::string_view key) const {
  for (const Slot* slot = slot_of(hash); slot->key != nullptr;) {
    if (slot->hash == hash && slot->known->key == key) return &slot->known->match;
    if (++slot == slots_.data() + slots_.size()) slot = slots_.data();
  }
  return nullptr;
}

void Matches::insert(std::uint64_t hash, const Known& known) {
  std::size_t at = hash & (slots_.size() - 1);
  while (slots_[at].key != nullptr) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {hash, known.key.data(), &known};
}

std::vector<const PackageMatch*> Matches::of(const model::Inventory& inventory) {
  const std::size_t count = inventory.packages.size();
  std::vector<const PackageMatch*> found(count);
  Keys keys(inventory);
  std::vector<std::size_t> fresh;
  {
    const std::shared_lock lock(mutex_);
    // Memory is asked for all of them before the first is waited for.
    for (std::size_t i = 0; i < count; ++i) __builtin_prefetch(slot_of(keys.hash(i)));
    for (std::size_t i = 0; i < count; ++i) {
      const Slot* slot = slot_of(keys.hash(i));
      __builtin_prefetch(slot->key);
      __builtin_prefetch(slot->known);
    }
    for (std::size_t i = 0; i < count; ++i) {
      found[i] = find(keys.hash(i), keys.key(i));
      if (found[i] == nullptr) fresh.push_back(i);
    }
  }
  if (fresh.empty()) return found;
  std::vector<PackageMatch> made;
  made.reserve(fresh.size());
  for (const std::size_t i : fresh) {
    const model::Package& package = inventory.packages[i];
    made.push_back(match_package(*file_, keys.ecosystems().of(package), package));
  }
  const std::unique_lock lock(mutex_);
  for (std::size_t k = 0; k < fresh.size(); ++k) {
    const std::size_t i = fresh[k];
    // Somebody else may have been faster; both found the same.
    found[i] = find(keys.hash(i), keys.key(i));
    if (found[i] != nullptr) continue;
    if (known_.size() * 2 >= slots_.size()) {
      const std::vector<Slot> before = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
      for (const Slot& slot : before) {
        if (slot.key != nullptr) insert(slot.hash, *slot.known);
      }
    }
    known_.push_back({std::string(keys.key(i)), std::move(made[k])});
    insert(keys.hash(i), known_.back());
    found[i] = &known_.back().match;
  }
  return found;
}

std::size_t Matches::size() const {
  const std::shared_lock lock(mutex_);
  return known_.size();
}

}  // namespace hallmark::scan
