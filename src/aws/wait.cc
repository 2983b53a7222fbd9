#include "aws/wait.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "aws/jmespath.h"
#include "base/error.h"
#include "base/text.h"

namespace hallmark::aws {
namespace {

// Members in which services put how it stands and why, most telling last.
constexpr std::array<std::string_view, 8> kStates = {
    "State", "Status", "StackStatus", "Name", "Code", "StatusMessage", "StateMessage", "Message"};
constexpr std::array<std::string_view, 5> kReasons = {"StateReason", "StateTransitionReason",
                                                      "StackStatusReason", "StatusDetails",
                                                      "StandardErrorContent"};
// Beyond that it is not a reason but a log.
constexpr std::size_t kMaxText = 500;

bool matches(const Acceptor& acceptor, const Value& answer, const ApiError* refusal) {
  using Matcher = Acceptor::Matcher;
  Value expected = Value::parse(acceptor.expected, nullptr, false);
  if (acceptor.matcher == Matcher::status) return expected == (refusal ? refusal->status() : 200);
  if (acceptor.matcher == Matcher::error) {
    if (expected.is_boolean()) return expected.get<bool>() == (refusal != nullptr);
    return refusal && expected == refusal->code();
  }
  if (refusal) return false;
  Value found = find_by_path(acceptor.argument, answer);
  auto is_expected = [&](const Value& each) { return each == expected; };
  if (acceptor.matcher == Matcher::path) return is_expected(found);
  if (!found.is_array() || found.empty()) return false;
  return acceptor.matcher == Matcher::path_all
             ? std::all_of(found.begin(), found.end(), is_expected)
             : std::any_of(found.begin(), found.end(), is_expected);
}

/// Whether the model's waiter overlooks a state from which there is no way on: an image that is
/// gone or broken never becomes available.
bool is_dead_end(const Waiter& waiter, const Value& answer) {
  if (waiter.operation != "DescribeImages") return false;
  Value states = find_by_path("Images[].State", answer);
  if (!states.is_array()) return false;
  return std::any_of(states.begin(), states.end(), [](const Value& state) {
    return state == "error" || state == "invalid" || state == "deregistered" || state == "disabled";
  });
}

void collect_state(const Value& value, std::vector<std::string>& texts, int depth) {
  if (depth > 4 || texts.size() > 6) return;
  if (value.is_array()) {
    for (const Value& each : value) collect_state(each, texts, depth + 1);
    return;
  }
  if (!value.is_object()) return;
  auto add = [&](std::string_view name) {
    auto found = value.find(std::string(name));
    if (found == value.end()) return;
    if (found->is_string() && !found->get_ref<const std::string&>().empty()) {
      texts.push_back(found->get<std::string>());
    } else if (found->is_object()) {
      collect_state(*found, texts, depth + 1);
    }
  };
  for (std::string_view name : kStates) add(name);
  for (std::string_view name : kReasons) add(name);
  if (!texts.empty()) return;
  for (const auto& [name, inner] : value.items()) {
    if (inner.is_structured()) collect_state(inner, texts, depth + 1);
  }
}

}  // namespace

std::optional<Acceptor::State> judge(const Waiter& waiter, const Value& answer,
                                     const ApiError* refusal) {
  for (const Acceptor& acceptor : waiter.acceptors) {
    if (matches(acceptor, answer, refusal)) return acceptor.state;
  }
  if (!refusal && is_dead_end(waiter, answer)) return Acceptor::State::failure;
  return std::nullopt;
}

std::string state_text(const Value& answer) {
  std::vector<std::string> texts;
  collect_state(answer, texts, 0);
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return join(texts, ": ").substr(0, kMaxText);
}

Value wait_until(Caller& caller, const Model& model, const std::string& waiter_name, Call call,
                 const Value& input, const WaitLimits& limits, Clock& clock, std::stop_token stop) {
  const Waiter& waiter = model.waiter(waiter_name);
  call.operation = waiter.operation;
  Duration delay = limits.delay.value_or(std::chrono::seconds(waiter.delay_seconds));
  TimePoint deadline = clock.now() + limits.time_limit;
  while (true) {
    Value answer = Value::object();
    std::optional<ApiError> refusal;
    try {
      answer = caller.call(call, input, stop);
    } catch (const ApiError& error) {
      refusal = error;
    }
    auto state = judge(waiter, answer, refusal ? &*refusal : nullptr);
    if (state == Acceptor::State::success) return answer;
    if (refusal && !state) throw *refusal;
    std::string seen = refusal ? refusal->message() : state_text(answer);
    if (state == Acceptor::State::failure) {
      throw Error(ErrorKind::failed, "{} of {} cannot come any more: {}", waiter_name, call.service,
                  seen.empty() ? "the service says so" : seen);
    }
    if (clock.now() + delay > deadline) {
      throw Error(ErrorKind::timeout, "{} of {} did not come within {}{}", waiter_name,
                  call.service, format_duration(limits.time_limit),
                  seen.empty() ? "" : "; last seen: " + seen);
    }
    if (!clock.sleep_until(clock.now() + delay, stop)) {
      throw Error(ErrorKind::cancelled, "stopped while waiting for {} of {}", waiter_name,
                  call.service);
    }
  }
}

}  // namespace hallmark::aws
