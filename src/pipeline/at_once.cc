#include "pipeline/at_once.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace hallmark::pipeline {

void at_once(std::size_t count, int width, const std::function<void(std::size_t)>& fn) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  {
    std::vector<std::jthread> workers;
    const std::size_t threads = std::min(count, static_cast<std::size_t>(width));
    for (std::size_t i = 0; i < threads; ++i) {
      workers.emplace_back([&] {
        for (std::size_t k = next++; k < count; k = next++) {
          try {
            fn(k);
          } catch (...) {
            std::lock_guard lock(mutex);
            if (!failure) failure = std::current_exception();
            next = count;
          }
        }
      });
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace hallmark::pipeline
