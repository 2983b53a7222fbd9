#include "server/workers.h"

namespace hallmark::server {

Workers::~Workers() {
  stop_.request_stop();
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
    waiting_.clear();
  }
  changed_.notify_all();
  threads_.clear();  // joins
}

bool Workers::take(Work work) {
  {
    std::lock_guard lock(mutex_);
    if (ending_) return false;
    if (waiting_.size() >= idle_ && threads_.size() < most_) {
      threads_.emplace_back([this] { run(); });
    } else if (waiting_.size() >= idle_ + queued_) {
      return false;
    }
    waiting_.push_back(std::move(work));
  }
  changed_.notify_one();
  return true;
}

void Workers::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    --idle_;
    if (waiting_.empty()) return;
    Work work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work(stop_.get_token());
    work = nullptr;  // what it holds goes before we wait
    lock.lock();
  }
}

}  // namespace hallmark::server
