#pragma once
/// CloudFormation stacks: what one would change, and making it so.

#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "aws/client.h"
#include "base/clock.h"

namespace hallmark::cloud {

struct StackSpec {
  std::string name;
  std::string region;
  std::string template_text;  ///< JSON
  /// Of those that it leaves out, a stack that exists keeps the values, and a new one gets the
  /// template's.
  std::map<std::string, std::string> parameters;
  std::map<std::string, std::string> tags;  ///< CloudFormation puts them on all that can have tags
};

struct ResourceChange {
  std::string action;  ///< "Add", "Modify", "Remove"
  std::string name;    ///< in the template
  std::string type;    ///< "AWS::EC2::VPC"
  /// Of a change: it is made anew, and what it held is lost.
  bool replaces = false;
};

struct StackChange {
  std::string stack;
  std::string region;
  std::string action;  ///< "create", "update", "none"
  std::vector<ResourceChange> resources;
};

/// Gets a line of what happens.
using Progress = std::function<void(const std::string&)>;
using StackOutputs = std::map<std::string, std::string>;

/// The outputs of a stack that is whole; nothing if there is no such stack.
std::optional<StackOutputs> stack_outputs(aws::Caller& caller, const std::string& region,
                                          const std::string& name, std::stop_token stop);

/// Changes nothing: of a stack that exists a change set is made, read and removed, of one that does
/// not the template is read. Throws `conflict` if something else works on the stack, and what the
/// calls throw.
StackChange plan_stack(aws::Caller& caller, Clock& clock, const StackSpec& spec,
                       std::stop_token stop);

/// Creates or updates the stack, and waits until it is whole. "none" if it was already. A stack
/// whose creation had failed is removed first. Throws `failed` with the reason of the first
/// resource that failed, `timeout`, `conflict` and `cancelled` (CloudFormation then goes on by
/// itself).
StackChange apply_stack(aws::Caller& caller, Clock& clock, const StackSpec& spec,
                        Duration time_limit, const Progress& progress, std::stop_token stop);

}  // namespace hallmark::cloud
