#pragma once
/// News of runs: the engine tells it, commands and event streams hear it.

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "server/message.h"
#include "workflow/engine.h"

namespace hallmark::server {

/// One piece of news: server-sent event of that name.
struct News {
  std::uint64_t number = 0;
  std::string type;  ///< "run", "step", "progress"
  std::string run_id;
  std::string data;  ///< JSON
};

/// Safe from several threads.
class Hub {
 public:
  /// What the engine is to tell; must not outlive the hub.
  workflow::Observer observer() { return make_observer(true); }
  /// The same for what engines of other processes did, as somebody found out: their steps are in
  /// their own figures, not in ours.
  workflow::Observer others_observer() { return make_observer(false); }

  /// From now on that observer hears of everything, until the returned handle goes.
  std::shared_ptr<void> hear(workflow::Observer observer);

  /// Whether the caller of a stream may hear of that run; and of which it wants to.
  using Wanted = std::function<bool(const std::string& run_id)>;
  /// Begins an event stream on `reply`. With `last_event_id` of this hub, what came after it comes
  /// first; if too much has come since, or it is another server's, an event "reset" says so.
  void stream(std::shared_ptr<Reply> reply, Wanted wanted, const std::string& last_event_id);
  /// Ends all streams.
  void close();
  std::size_t streams() const;
  /// How long steps took, as a histogram in the Prometheus text format.
  std::string steps_text() const;

  /// Returns when there is news, or after `most`.
  void await_news(Duration most);

 private:
  workflow::Observer make_observer(bool ours);
  void publish(const std::string& type, const std::string& run_id, const Json& data);
  std::string text_of(const News& news) const;

  void time_step(const workflow::StepInfo& step);

  struct Stream {
    std::shared_ptr<Reply> reply;
    Wanted wanted;
  };
  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::uint64_t number_ = 0;
  std::deque<News> kept_;
  std::vector<Stream> streams_;
  std::uint64_t next_observer_ = 0;
  std::map<std::uint64_t, workflow::Observer> observers_;
  const std::string id_;

  /// Seconds; what took longer counts in the whole only.
  static constexpr std::array<double, 8> kStepBounds = {0.1, 1, 5, 15, 60, 300, 900, 3600};
  std::array<std::uint64_t, kStepBounds.size()> step_counts_{};
  std::uint64_t steps_ = 0;
  double step_seconds_ = 0;

 public:
  Hub();
};

}  // namespace hallmark::server
