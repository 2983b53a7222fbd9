#include "scan/advisory/matches.h"

#include <algorithm>
#include <mutex>

#include "scan/advisory/ecosystem.h"
#include "scan/advisory/match.h"

namespace hallmark::scan {
namespace {

/// A text cannot be taken for another one and a part of the next: each has its length before it.
void add(std::string& key, std::string_view text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  key.append(reinterpret_cast<const char*>(&size), sizeof size);
  key.append(text);
}

/// Where it lies is all that does not matter.
void write_key(std::string& key, std::string_view ecosystem, const model::Package& package) {
  key.clear();
  for (const std::string_view text :
       {ecosystem, std::string_view(package.name), std::string_view(package.version),
        std::string_view(package.architecture), std::string_view(package.source_name),
        std::string_view(package.source_version), std::string_view(package.module),
        std::string_view(package.manager)}) {
    add(key, text);
  }
}

}  // namespace

const std::string& EcosystemNames::of(const model::Package& package) {
  for (const auto& [manager, name] : by_manager_) {
    if (manager == package.manager) return name;
  }
  return by_manager_.emplace_back(package.manager, ecosystem_of(package, distribution_)).second;
}

std::vector<const PackageMatch*> Matches::of(const model::Inventory& inventory) {
  const auto& packages = inventory.packages;
  std::vector<const PackageMatch*> found(packages.size());
  std::vector<std::size_t> fresh;
  EcosystemNames ecosystems(inventory.distribution);
  std::string key;
  {
    const std::shared_lock lock(mutex_);
    for (std::size_t i = 0; i < packages.size(); ++i) {
      write_key(key, ecosystems.of(packages[i]), packages[i]);
      if (const auto known = known_.find(std::string_view(key)); known != known_.end()) {
        found[i] = &known->second;
      } else {
        fresh.push_back(i);
      }
    }
  }
  std::vector<PackageMatch> made;
  made.reserve(fresh.size());
  for (const std::size_t i : fresh) {
    made.push_back(match_package(*file_, ecosystems.of(packages[i]), packages[i]));
  }
  if (fresh.empty()) return found;
  const std::unique_lock lock(mutex_);
  for (std::size_t k = 0; k < fresh.size(); ++k) {
    const model::Package& package = packages[fresh[k]];
    write_key(key, ecosystems.of(package), package);
    // Somebody else may have been faster; both found the same.
    found[fresh[k]] = &known_.try_emplace(key, std::move(made[k])).first->second;
  }
  return found;
}

std::size_t Matches::size() const {
  const std::shared_lock lock(mutex_);
  return known_.size();
}

}  // namespace hallmark::scan
