#pragma once
/// What stands between a caller and a cloud's or catalog's calls: retrying, limiting, logging and
/// failing on purpose.

#include <functional>
#include <memory>
#include <stop_token>
#include <string_view>
#include <type_traits>
#include <vector>

#include "cloud/cloud.h"

namespace hallmark::cloud {

/// What a hook may know of a call. Never its secrets: no script, environment or parameter's value.
struct CallInfo {
  std::string_view operation;  ///< the function's name
  const Place& place;
  std::string_view subject_id;  ///< id or name of what the call is about
  bool mutating = false;
  /// Making the call again after its answer was lost ends in the same state and with the same
  /// answer.
  bool repeatable = true;
  std::stop_token stop = {};  ///< the call's own, if it has one
};

class CallHook {
 public:
  virtual ~CallHook() = default;
  /// Makes the call by calling `call`: once, several times or not at all. Throws what the caller is
  /// to see. Several threads may be in it.
  virtual void around(const CallInfo& info, const std::function<void()>& call) = 0;
};

/// The first one outermost.
using CallHooks = std::vector<std::shared_ptr<CallHook>>;

inline void call_through(const CallHooks& hooks, std::size_t hook, const CallInfo& info,
                         const std::function<void()>& call) {
  if (hook == hooks.size()) return call();
  hooks[hook]->around(info, [&] { call_through(hooks, hook + 1, info, call); });
}

/// Makes the call through all hooks and returns what its last attempt returned.
template <typename Call>
auto forward_call(const CallHooks& hooks, const CallInfo& info, Call call) {
  if constexpr (std::is_void_v<decltype(call())>) {
    call_through(hooks, 0, info, call);
  } else {
    decltype(call()) answer{};
    call_through(hooks, 0, info, [&] { answer = call(); });
    return answer;
  }
}

}  // namespace hallmark::cloud
