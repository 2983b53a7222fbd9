#pragma once
/// Threads that do one piece of work after the other, started when there is need of one.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace hallmark::server {

class Workers {
 public:
  using Work = std::function<void(std::stop_token)>;

  /// At most `most` at work, and `queued` pieces that wait for one of them.
  Workers(std::size_t most, std::size_t queued) : most_(most), queued_(queued) {}
  /// Asks what runs to stop, forgets what waits, and waits for the former.
  ~Workers();
  /// False: there is too much to do already, and this is not done.
  bool take(Work work);
  /// From now on what runs and what comes is asked to stop.
  void request_stop() { stop_.request_stop(); }

 private:
  void run();

  const std::size_t most_, queued_;
  std::stop_source stop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Work> waiting_;
  std::size_t idle_ = 0;
  bool ending_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace hallmark::server
