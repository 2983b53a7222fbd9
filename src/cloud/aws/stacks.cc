#include "cloud/aws/stacks.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "aws/api_error.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "cloud/aws/session.h"

namespace hallmark::cloud {

namespace {

using namespace std::chrono_literals;
using aws::ApiError;
using aws::Value;
using on_aws::text;

constexpr Duration kFirstStackPause = 500ms;
constexpr Duration kLongestStackPause = 5s;
/// A change set is computed from the template alone.
constexpr Duration kChangeSetLimit = 5min;
constexpr Duration kDeletionLimit = 15min;

class Stack {
 public:
  Stack(aws::Caller& caller, Clock& clock, const StackSpec& spec, std::stop_token stop)
      : caller_(caller), clock_(clock), spec_(spec), stop_(stop) {}

  Value call(const std::string& operation, const Value& input) {
    return caller_.call(
        {.service = "cloudformation", .operation = operation, .region = spec_.region}, input,
        stop_);
  }

  /// Nothing if there is no such stack; one that a change set only announced is none.
  std::optional<Value> describe() {
    try {
      Value answer = call("DescribeStacks", {{"StackName", spec_.name}});
      Value stack = answer.at("Stacks").at(0);
      const std::string state = text(stack, "StackStatus");
      if (state == "DELETE_COMPLETE") return std::nullopt;
      return stack;
    } catch (const ApiError& e) {
      if (e.code() != "ValidationError" || e.message().find("not exist") == std::string::npos) {
        throw;
      }
      return std::nullopt;
    }
  }

  /// For creating the stack, or for changing the one that is present.
  Value input(const std::optional<Value>& present) const {
    Value parameters = Value::array();
    for (const auto& [name, value] : spec_.parameters) {
      parameters.push_back({{"ParameterKey", name}, {"ParameterValue", value}});
    }
    std::map<std::string, std::string> tags = spec_.tags;
    if (present) {
      const Value known = Value::parse(spec_.template_text).value("Parameters", Value::object());
      for (const Value& one : present->value("Parameters", Value::array())) {
        const std::string name = text(one, "ParameterKey");
        if (spec_.parameters.contains(name) || !known.contains(name)) continue;
        parameters.push_back({{"ParameterKey", name}, {"UsePreviousValue", true}});
      }
      for (const Value& one : present->value("Tags", Value::array())) {
        tags.try_emplace(text(one, "Key"), text(one, "Value"));
      }
    }
    Value tag_list = Value::array();
    for (const auto& [key, value] : tags) tag_list.push_back({{"Key", key}, {"Value", value}});
    // The roles have names, so that policies can name them.
    return {{"StackName", spec_.name},
            {"TemplateBody", spec_.template_text},
            {"Parameters", parameters},
            {"Capabilities", Value::array({"CAPABILITY_NAMED_IAM"})},
            {"Tags", tag_list}};
  }

  void pause() {
    if (clock_.sleep_until(clock_.now() + pause_, stop_)) {
      pause_ = std::min(pause_ * 2, kLongestStackPause);
      return;
    }
    throw Error(ErrorKind::cancelled, "stopped while waiting for stack {} in {}", spec_.name,
                spec_.region)
        .hint("CloudFormation goes on with it; the same command looks at what came of it");
  }

  void refuse_busy(const Value& stack) const {
    const std::string state = text(stack, "StackStatus");
    if (!state.ends_with("_IN_PROGRESS") || state == "REVIEW_IN_PROGRESS") return;
    throw Error(ErrorKind::conflict, "stack {} in {} is {}: something else works on it", spec_.name,
                spec_.region, state)
        .hint("wait for it, then run this again");
  }

  const StackSpec& spec() const { return spec_; }
  Clock& clock() { return clock_; }

 private:
  aws::Caller& caller_;
  Clock& clock_;
  const StackSpec& spec_;
  const std::stop_token stop_;
  Duration pause_ = kFirstStackPause;
};

/// CloudFormation User Guide, "Stack status codes": these stacks hold nothing and can only be
/// deleted.
bool never_came_to_be(const std::string& state) {
  return state == "ROLLBACK_COMPLETE" || state == "CREATE_FAILED" || state == "ROLLBACK_FAILED" ||
         state == "REVIEW_IN_PROGRESS";
}

/// The value of a condition; of the functions only those that our templates use.
class Conditions {
 public:
  explicit Conditions(const Value& document, const StackSpec& spec) : document_(document) {
    const Value parameters = document.value("Parameters", Value::object());
    for (const auto& [name, parameter] : parameters.items()) {
      values_[name] = text(parameter, "Default");
    }
    for (const auto& [name, value] : spec.parameters) values_[name] = value;
  }

  bool holds(const std::string& name) const { return truth(document_.at("Conditions").at(name)); }

 private:
  bool truth(const Value& condition) const {
    const std::string function = condition.begin().key();
    const Value& given = condition.begin().value();
    if (function == "Condition") return holds(given.get<std::string>());
    if (function == "Fn::Not") return !truth(given.at(0));
    if (function == "Fn::Equals") return word(given.at(0)) == word(given.at(1));
    if (function == "Fn::And") {
      return std::all_of(given.begin(), given.end(), [&](const Value& one) { return truth(one); });
    }
    if (function == "Fn::Or") {
      return std::any_of(given.begin(), given.end(), [&](const Value& one) { return truth(one); });
    }
    throw Error(ErrorKind::internal, "condition function {} is not known", function);
  }

  std::string word(const Value& expression) const {
    if (expression.is_string()) return expression.get<std::string>();
    const std::string function = expression.begin().key();
    const Value& given = expression.begin().value();
    if (function == "Ref") return values_.at(given.get<std::string>());
    // Of a list only whether it is empty is ever asked.
    if (function == "Fn::Join") return word(given.at(1));
    throw Error(ErrorKind::internal, "function {} is not known in a condition", function);
  }

  const Value& document_;
  std::map<std::string, std::string> values_;
};

std::vector<ResourceChange> all_of_template(const StackSpec& spec) {
  Value document = Value::parse(spec.template_text);
  Conditions conditions(document, spec);
  std::vector<ResourceChange> resources;
  for (const auto& [name, resource] : document.at("Resources").items()) {
    if (resource.contains("Condition") && !conditions.holds(text(resource, "Condition"))) continue;
    resources.push_back({.action = "Add", .name = name, .type = text(resource, "Type")});
  }
  return resources;
}

bool says_nothing_to_do(const std::string& reason) {
  return reason.find("No updates are to be performed") != std::string::npos ||
         reason.find("didn't contain changes") != std::string::npos;
}

std::vector<ResourceChange> changes_of(Stack& stack, const std::optional<Value>& present) {
  Value input = stack.input(present);
  const std::string name = random_id("hallmark-plan");
  input["ChangeSetName"] = name;
  input["ChangeSetType"] = "UPDATE";
  // By its own name, for its ARN is not known if the answer is lost.
  stack.call("CreateChangeSet", input);
  const Value which = {{"StackName", stack.spec().name}, {"ChangeSetName", name}};
  const TimePoint until = stack.clock().now() + kChangeSetLimit;
  std::vector<ResourceChange> resources;
  std::string state;
  std::string reason;
  while (true) {
    Value page = stack.call("DescribeChangeSet", which);
    state = text(page, "Status");
    reason = text(page, "StatusReason");
    if (state == "CREATE_COMPLETE" || state == "FAILED") {
      while (true) {
        for (const Value& change : page.value("Changes", Value::array())) {
          const Value& resource = change.at("ResourceChange");
          resources.push_back({.action = text(resource, "Action"),
                               .name = text(resource, "LogicalResourceId"),
                               .type = text(resource, "ResourceType"),
                               .replaces = text(resource, "Replacement") == "True"});
        }
        if (text(page, "NextToken").empty()) break;
        Value next = which;
        next["NextToken"] = text(page, "NextToken");
        page = stack.call("DescribeChangeSet", next);
      }
      break;
    }
    if (stack.clock().now() >= until) break;
    stack.pause();
  }
  stack.call("DeleteChangeSet", which);
  if (state == "FAILED" && !says_nothing_to_do(reason)) {
    throw Error(ErrorKind::failed, "stack {} in {} cannot be changed: {}", stack.spec().name,
                stack.spec().region, reason);
  }
  if (state != "FAILED" && state != "CREATE_COMPLETE") {
    throw Error(ErrorKind::timeout, "the changes of stack {} in {} are {} after {}",
                stack.spec().name, stack.spec().region, state, format_duration(kChangeSetLimit));
  }
  return resources;
}

/// Follows a stack's events from a moment on.
class Events {
 public:
  explicit Events(Stack& stack) : stack_(stack) {}

  /// Those that came since the last call, the oldest first.
  std::vector<Value> fresh(const std::string& stack_id) {
    std::vector<Value> found;
    Value input = {{"StackName", stack_id}};
    while (true) {
      Value page = stack_.call("DescribeStackEvents", input);
      bool known = false;
      // The newest first.
      for (const Value& event : page.value("StackEvents", Value::array())) {
        if (!seen_.insert(text(event, "EventId")).second) {
          known = true;
          break;
        }
        found.push_back(event);
      }
      if (known || text(page, "NextToken").empty()) break;
      input["NextToken"] = text(page, "NextToken");
    }
    std::reverse(found.begin(), found.end());
    return found;
  }

 private:
  Stack& stack_;
  std::set<std::string> seen_;
};

bool is_consequence(const std::string& reason) {
  // CloudFormation gives up what it had begun when another resource fails.
  return reason.find("cancelled") != std::string::npos;
}

Value wait_until_whole(Stack& stack, Events& events, Duration time_limit,
                       const Progress& progress) {
  const StackSpec& spec = stack.spec();
  const TimePoint until = stack.clock().now() + time_limit;
  std::string first_failure;
  while (true) {
    std::optional<Value> now = stack.describe();
    if (!now) {
      throw Error(ErrorKind::failed, "stack {} in {} is gone: somebody deleted it", spec.name,
                  spec.region);
    }
    for (const Value& event : events.fresh(text(*now, "StackId"))) {
      const std::string state = text(event, "ResourceStatus");
      const std::string name = text(event, "LogicalResourceId");
      const std::string reason = text(event, "ResourceStatusReason");
      bool failed = state.ends_with("_FAILED");
      if (progress && (failed || state.ends_with("_COMPLETE"))) {
        progress(fmt::format("{} {}: {} {}{}", spec.region, spec.name, name, state,
                             reason.empty() ? "" : ": " + reason));
      }
      if (failed && first_failure.empty() && !is_consequence(reason)) {
        first_failure = fmt::format("{} ({}): {}", name, text(event, "ResourceType"), reason);
      }
    }
    const std::string state = text(*now, "StackStatus");
    if (state == "CREATE_COMPLETE" || state == "UPDATE_COMPLETE") return *now;
    // The change itself is done; only what it replaced is still being removed.
    if (state == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS") return *now;
    if (!state.ends_with("_IN_PROGRESS")) {
      throw Error(ErrorKind::failed, "stack {} in {} is {}: {}", spec.name, spec.region, state,
                  first_failure.empty() ? text(*now, "StackStatusReason") : first_failure)
          .hint("repair the cause and run this again; what had been made was undone");
    }
    if (stack.clock().now() >= until) {
      throw Error(ErrorKind::timeout, "stack {} in {} is {} after {}", spec.name, spec.region,
                  state, format_duration(time_limit))
          .hint("CloudFormation goes on with it; the same command looks at what came of it");
    }
    stack.pause();
  }
}

void remove_failed(Stack& stack, const Progress& progress) {
  const StackSpec& spec = stack.spec();
  if (progress) {
    progress(fmt::format("{} {}: removing what is left of a creation that failed", spec.region,
                         spec.name));
  }
  stack.call("DeleteStack", {{"StackName", spec.name}});
  const TimePoint until = stack.clock().now() + kDeletionLimit;
  while (std::optional<Value> now = stack.describe()) {
    const std::string state = text(*now, "StackStatus");
    if (state == "DELETE_FAILED" || stack.clock().now() >= until) {
      throw Error(ErrorKind::failed, "stack {} in {} is {} and cannot be removed: {}", spec.name,
                  spec.region, state, text(*now, "StackStatusReason"))
          .hint("remove it in the console of CloudFormation");
    }
    stack.pause();
  }
}

StackOutputs outputs_of(const Value& stack) {
  StackOutputs outputs;
  for (const Value& output : stack.value("Outputs", Value::array())) {
    outputs[text(output, "OutputKey")] = text(output, "OutputValue");
  }
  return outputs;
}

}  // namespace

std::optional<StackOutputs> stack_outputs(aws::Caller& caller, const std::string& region,
                                          const std::string& name, std::stop_token stop) {
  StackSpec spec{.name = name, .region = region};
  SystemClock clock;
  std::optional<Value> found = Stack(caller, clock, spec, stop).describe();
  if (!found) return std::nullopt;
  return outputs_of(*found);
}

StackChange plan_stack(aws::Caller& caller, Clock& clock, const StackSpec& spec,
                       std::stop_token stop) {
  Stack stack(caller, clock, spec, stop);
  StackChange change{.stack = spec.name, .region = spec.region};
  std::optional<Value> present = stack.describe();
  if (!present || never_came_to_be(text(*present, "StackStatus"))) {
    change.action = "create";
    change.resources = all_of_template(spec);
    return change;
  }
  stack.refuse_busy(*present);
  change.resources = changes_of(stack, present);
  change.action = change.resources.empty() ? "none" : "update";
  return change;
}

StackChange apply_stack(aws::Caller& caller, Clock& clock, const StackSpec& spec,
                        Duration time_limit, const Progress& progress, std::stop_token stop) {
  StackChange change = plan_stack(caller, clock, spec, stop);
  if (change.action == "none") return change;
  Stack stack(caller, clock, spec, stop);
  std::optional<Value> present = stack.describe();
  if (present && never_came_to_be(text(*present, "StackStatus"))) {
    remove_failed(stack, progress);
    present.reset();
  }
  Events events(stack);
  if (present) events.fresh(text(*present, "StackId"));  // what was before is not news
  try {
    stack.call(present ? "UpdateStack" : "CreateStack", stack.input(present));
  } catch (const ApiError& e) {
    if (present && says_nothing_to_do(e.message())) {
      change.action = "none";
      change.resources.clear();
      return change;
    }
    // Ours, whose answer was lost; or somebody else's of the same name, which shows below.
    if (present || e.code() != "AlreadyExistsException") throw;
  }
  wait_until_whole(stack, events, time_limit, progress);
  return change;
}

}  // namespace hallmark::cloud
