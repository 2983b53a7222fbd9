#pragma once
/// Who waits for others' commits, and PostgreSQL's word of them. Private to db/.

#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "base/clock.h"

namespace hallmark::db {

class News {
 public:
  std::uint64_t count();
  void tell();
  void wait(std::uint64_t seen, Duration at_most, std::stop_token stop);

 private:
  std::mutex mutex_;
  std::condition_variable_any told_;
  std::uint64_t count_ = 0;
};

/// Tells `news` of what any client of that server notifies, for as long as it lives; has a thread
/// and a connection of its own. While the server is away it tries again, and tells once it is back.
class Listener {
 public:
  Listener(const std::string& connection_words, News& news);

 private:
  std::jthread thread_;
};

}  // namespace hallmark::db
