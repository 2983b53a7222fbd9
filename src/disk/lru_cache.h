#pragma once
/// A bounded cache that forgets what was not asked for longest.

#include <cstddef>
#include <list>
#include <unordered_map>
#include <utility>

namespace hallmark::disk {

template <typename Key, typename Value>
class LruCache {
 public:
  /// `capacity` entries, at least one.
  explicit LruCache(std::size_t capacity) : capacity_(capacity == 0 ? 1 : capacity) {}

  /// The value, or nullptr. Valid until the next put().
  const Value* find(const Key& key) {
    auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->second;
  }

  /// `key` must not be in the cache.
  const Value& put(const Key& key, Value value) {
    if (entries_.size() == capacity_) {
      places_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(key, std::move(value));
    places_[key] = entries_.begin();
    return entries_.front().second;
  }

 private:
  using Entries = std::list<std::pair<Key, Value>>;
  std::size_t capacity_;
  Entries entries_;
  std::unordered_map<Key, typename Entries::iterator> places_;
};

}  // namespace hallmark::disk
