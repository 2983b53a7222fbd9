#pragma once
/// A value and the mutex that guards it, so that no unlocked access compiles.

#include <mutex>
#include <utility>

namespace hallmark {

template <typename T>
class Sync {
 public:
  Sync() = default;
  explicit Sync(T value) : value_(std::move(value)) {}

  class Access {
   public:
    T* operator->() { return &value_; }
    T& operator*() { return value_; }

   private:
    friend class Sync;
    Access(T& value, std::mutex& mutex) : value_(value), lock_(mutex) {}
    T& value_;
    std::unique_lock<std::mutex> lock_;
  };

  /// Holds the lock for as long as the returned object lives.
  Access lock() { return Access(value_, mutex_); }

 private:
  T value_{};
  std::mutex mutex_;
};

}  // namespace hallmark
