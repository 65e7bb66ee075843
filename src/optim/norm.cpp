#include "lockstep/optim/norm.hpp"

#include <algorithm>
#include <cassert>

#include "lockstep/base/lane_sum.hpp"
#include "lockstep/base/parallel.hpp"

namespace lockstep {

void block_square_sums(std::span<const Real> values, std::span<double> sums) {
  const auto size = static_cast<Index>(values.size());
  const auto blocks = static_cast<Index>(sums.size());
  assert(blocks == (size + kNormBlock - 1) / kNormBlock);
  parallel_for_tiles(blocks, kElementTile / kNormBlock, [&](Index begin, Index end) {
    for (Index b = begin; b < end; ++b) {
      const Real* x = values.data() + b * kNormBlock;
      const Index count = std::min(kNormBlock, size - b * kNormBlock);
      sums[static_cast<std::size_t>(b)] =
          lane_sum(count, [=](Index i) { return double{x[i]} * double{x[i]}; });
    }
  });
}

double clip_scale(double norm, double limit) {
  if (limit == 0) return 1;
  const double scale = limit / (norm + 1e-6);
  return scale > 1 ? 1 : scale;  // NaN stays NaN
}

}  // namespace lockstep
