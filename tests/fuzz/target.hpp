#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/base/error.hpp"

namespace lockstep::fuzz {

/// A parser, and what its inputs are made from. Each is a file in formats/ and a line in
/// targets.cpp.
struct Target {
  std::string_view name;
  /// Whether the parser takes an input. It may refuse it with an Error; nothing else may escape,
  /// whatever the bytes are.
  bool (*accepts)(const std::string& input);
  /// Inputs that it takes: all others are mutations of these.
  std::vector<std::string> (*seeds)();
  /// Pieces that mean something to it.
  std::vector<std::string_view> words{};
};

[[nodiscard]] std::span<const Target> targets();

/// Runs the action; false if it is refused. That a file is bad must not be called a bug of ours.
template <typename Action>
bool accepted(const Action& action) {
  try {
    action();
    return true;
  } catch (const Error& error) {
    if (error.code() == ExitCode::internal) throw;
    return false;
  }
}

}  // namespace lockstep::fuzz
