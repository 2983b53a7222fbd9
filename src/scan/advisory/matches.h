#pragma once
/// What the advisories say of each package, worked out once however many images have it.

#include <cstdint>
#include <deque>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/inventory.h"
#include "scan/advisory/advisory_file.h"

namespace hallmark::scan {

/// What the statements of an ecosystem say of one package.
struct PackageMatch {
  enum class State : std::uint8_t {
    compared,
    without_feed,  ///< no feed speaks of its ecosystem
    incomparable,  ///< a version of its own cannot be compared with any
  };
  State state = State::compared;
  std::vector<const StatementRecord*> hits;  ///< those that hold against it
  std::vector<const StatementRecord*> odd;   ///< those that cannot be compared
};

/// The ecosystems of an inventory's packages, each named once.
class EcosystemNames {
 public:
  explicit EcosystemNames(const model::Distribution& distribution) : distribution_(distribution) {}
  /// As ecosystem_of has it. Lives until the next call.
  const std::string& of(const model::Package& package);

 private:
  const model::Distribution& distribution_;
  std::vector<std::pair<std::string, std::string>> by_manager_;
};

/// Compiled advisories and what was asked of them so far. The images of a fleet have most packages
/// in common: looking one up again costs a tenth of matching it. Safe from several threads, which
/// hinder each other only where a package is new.
class Matches {
 public:
  explicit Matches(std::shared_ptr<const AdvisoryFile> file);

  const AdvisoryFile& file() const { return *file_; }
  /// One for each package, in the inventory's order. They live as long as the object.
  std::vector<const PackageMatch*> of(const model::Inventory& inventory);
  /// How many different packages were matched.
  std::size_t size() const;

 private:
  struct Known {
    std::string key;  ///< all that matching looks at
    PackageMatch match;
  };
  /// Of a table with open addresses, never more than half full. What a look needs first lies in it,
  /// so that a look waits for memory twice and not for each link of a chain.
  struct Slot {
    std::uint64_t hash = 0;
    const char* key = nullptr;  ///< the text of known->key; null: the slot is free
    const Known* known = nullptr;
  };

  const Slot* slot_of(std::uint64_t hash) const { return &slots_[hash & (slots_.size() - 1)]; }
  const PackageMatch* find(std::uint64_t hash, std::string_view key) const;
  void insert(std::uint64_t hash, const Known& known);

  const std::shared_ptr<const AdvisoryFile> file_;
  mutable std::shared_mutex mutex_;
  std::vector<Slot> slots_;
  std::deque<Known> known_;  ///< what is in it is never moved nor removed
};

}  // namespace hallmark::scan
