#pragma once
/// Puts the concrete cloud, database and scanner together.

#include <memory>
#include <stop_token>

#include "app/config.h"
#include "cli/app.h"

namespace hallmark::app {

/// The opened state directory and everything that works on it. One per process.
class Installation {
 public:
  /// Makes the directory if it is missing. Throws what loading the configuration and opening the
  /// database throw.
  Installation(const Path& state, Clock& clock);
  ~Installation();
  cli::Workplace& workplace();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Reads disks, and matches what is on them against the compiled advisories of the state directory
/// and the distribution's security suite, which is fetched once per process and kept there. What
/// config.yaml names as VEX is honoured. `clock` must outlive it.
pipeline::Scanner make_scanner(const Path& state, Clock& clock);

}  // namespace hallmark::app
