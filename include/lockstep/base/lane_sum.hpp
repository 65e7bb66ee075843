#pragma once

#include <array>

#include "lockstep/base/types.hpp"

namespace lockstep {

/// The sum of term(i) over i in [0, count), in double: lane l of eight sums i = l, l + 8, ... in
/// order, then the lanes are added pairwise. A fixed order that depends on `count` alone and that
/// fills a vector register.
template <typename Term>
[[nodiscard]] double lane_sum(Index count, const Term& term) {
  constexpr Index kLanes = 8;
  std::array<double, kLanes> lanes{};
  const Index whole = count - count % kLanes;
  for (Index i = 0; i < whole; i += kLanes) {
    for (Index l = 0; l < kLanes; ++l) lanes[static_cast<std::size_t>(l)] += term(i + l);
  }
  for (Index i = whole; i < count; ++i) lanes[static_cast<std::size_t>(i - whole)] += term(i);
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
         ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

}  // namespace lockstep
