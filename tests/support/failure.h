// Tells what a call failed with, and its message: REQUIRE(failure_of([&] { read_rgb(path); }) == ErrorKind::bad_input).
#pragma once
#include <optional>
#include <stdexcept>
#include <string>

#include "common/base/error.h"

namespace boxseg::test {

struct Failure {
  std::optional<ErrorKind> kind;  // empty: nothing was thrown
  std::string message;
  bool mentions(const std::string& text) const { return message.find(text) != std::string::npos; }
};

template <class Call>
Failure failure_of(const Call& call) {
  try {
    call();
  } catch (const Error& e) {
    return {e.kind(), e.what()};
  }
  return {};
}

// Returns the message of a usage error, "" when nothing was thrown; any other error fails the test.
template <class Call>
std::string usage_message_of(const Call& call) {
  const Failure failure = failure_of(call);
  if (failure.kind && *failure.kind != ErrorKind::usage)
    throw std::runtime_error("not a usage error: " + failure.message);
  return failure.message;
}

}  // namespace boxseg::test
