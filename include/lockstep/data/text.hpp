#pragma once

#include <cstdint>

#include "lockstep/data/dataset.hpp"

namespace lockstep {

/// A text in two: no window reaches from one part into the other.
struct TextParts {
  Dataset train;
  Dataset validation;
};

/// Holds out the last `fraction` of the symbols.
/// Errors: bad_data if a part is too short for one window.
[[nodiscard]] TextParts split_text(const Dataset& whole, double fraction);

/// How many symbols later the windows of a text start in this epoch: in [0, stride), a pure
/// function of (seed, epoch), so that every symbol comes to stand everywhere in a window.
[[nodiscard]] Index window_offset(const DatasetHeader& header, std::uint64_t seed,
                                  std::uint64_t epoch);

}  // namespace lockstep
