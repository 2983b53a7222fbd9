#pragma once
/// Answers an event: reads the list and the machines, and tells Config.

#include <stop_token>
#include <string>

#include "aws/client.h"
#include "base/clock.h"
#include "rule/evaluation.h"

namespace hallmark::rule::lambda {

struct Surroundings {
  aws::Caller& caller;  ///< acts for the account that the rule stands in
  std::string region;
  std::string rule_name;  ///< of the Config rule that is started again when the list changes
};

/// The list of this account and region; what keeps it from being read is in `problem`.
GoldenList read_list(const Surroundings& surroundings, const std::string& parameter,
                     std::stop_token stop);

/// Evaluates what the event asks for and puts it to Config, or starts the rule again where the list
/// changed. Returns {"evaluated", "non_compliant"} or {"started": rule}. Throws what calls throw,
/// `corrupt` for an event that is none, and `failed` if Config does not take an evaluation. A list
/// or a configuration that cannot be read is no error: then machines are non-compliant.
Json answer(const Surroundings& surroundings, const Json& event, std::stop_token stop);

}  // namespace hallmark::rule::lambda
