#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep::cli {

/// The most ranks, threads, steps or runs that an option takes.
inline constexpr int kMaxCount = 100'000;

/// "1,2,4" as numbers from 1 to kMaxCount. Throws Error(usage), which names `option`.
[[nodiscard]] std::vector<int> counts_of(std::string_view option, const std::string& text);

/// Of an option that takes any whole number from `least` on: says what was found instead.
[[nodiscard]] CLI::Validator whole_number(int least);

}  // namespace lockstep::cli
