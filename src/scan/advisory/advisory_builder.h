#pragma once
/// Gathers advisories of several feeds and writes them as one file.

#include <memory>
#include <string>

#include "scan/advisory/advisory.h"

namespace hallmark::scan {

/// A distribution's own feeds have the first word: what another feed says of a flaw in a package is
/// dropped if one of them speaks of that flaw in that package (and stream of a module), whether it
/// says affected or not.
class AdvisoryBuilder : public AdvisorySink {
 public:
  AdvisoryBuilder();
  ~AdvisoryBuilder() override;

  void begin_feed(FeedInfo feed);
  void begin(const AdvisoryText& advisory) override;
  void add(const Statement& statement) override;
  FeedInfo& feed() override;

  /// Drops what the last feed said: it cannot be read to its end. Its name stays, with the reason
  /// and the ecosystems of which nothing is known now.
  void leave_out(std::string why, std::vector<std::string> ecosystems);

  /// The file's bytes. Nothing can be added after it.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hallmark::scan
