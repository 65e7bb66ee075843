#pragma once

#include <random>
#include <string>

#include "fuzz/target.hpp"

namespace lockstep::fuzz {

/// Changes an input in one to four places: flips, interesting values, words of the format, cuts,
/// repeats. A pure function of its arguments and of the state of `random`, which it moves on.
[[nodiscard]] std::string mutated(std::string input, const Target& target, std::mt19937& random);

/// One of the seeds, mutated.
[[nodiscard]] std::string mutated_seed(const Target& target, std::span<const std::string> seeds,
                                       std::mt19937& random);

}  // namespace lockstep::fuzz
