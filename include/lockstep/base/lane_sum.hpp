#pragma once

#include <array>

#include "lockstep/base/types.hpp"

namespace lockstep {

/// term(0) to term(count - 1) joined in double: lane l of eight joins i = l, l + 8, ... in order,
/// starting from `neutral`, then the lanes are joined pairwise. A fixed order that depends on
/// `count` alone and that fills a vector register.
template <typename Term, typename Join>
[[nodiscard]] double join_lanes(Index count, double neutral, const Term& term, const Join& join) {
  constexpr Index kLanes = 8;
  std::array<double, kLanes> lanes{};
  lanes.fill(neutral);
  const Index whole = count - count % kLanes;
  for (Index i = 0; i < whole; i += kLanes) {
    for (Index l = 0; l < kLanes; ++l) {
      double& lane = lanes[static_cast<std::size_t>(l)];
      lane = join(lane, term(i + l));
    }
  }
  for (Index i = whole; i < count; ++i) {
    double& lane = lanes[static_cast<std::size_t>(i - whole)];
    lane = join(lane, term(i));
  }
  return join(join(join(lanes[0], lanes[4]), join(lanes[2], lanes[6])),
              join(join(lanes[1], lanes[5]), join(lanes[3], lanes[7])));
}

/// The sum of term(i) over i in [0, count).
template <typename Term>
[[nodiscard]] double lane_sum(Index count, const Term& term) {
  return join_lanes(count, 0, term, [](double a, double b) { return a + b; });
}

/// The product of term(i) over i in [0, count).
template <typename Term>
[[nodiscard]] double lane_product(Index count, const Term& term) {
  return join_lanes(count, 1, term, [](double a, double b) { return a * b; });
}

}  // namespace lockstep
