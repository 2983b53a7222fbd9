#pragma once
/// For tests: what a call throws.

#include <gtest/gtest.h>

#include <utility>

#include "base/error.h"

namespace hallmark {

/// The Error that `call` throws. A test fails where it throws none.
template <typename Call>
Error error_of(Call&& call) {
  try {
    std::forward<Call>(call)();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(ErrorKind::internal, "nothing was thrown");
}

template <typename Call>
ErrorKind kind_of(Call&& call) {
  return error_of(std::forward<Call>(call)).kind();
}

}  // namespace hallmark
