#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "lockstep/base/ordered_sum.hpp"
#include "lockstep/base/random.hpp"

// What the plain loops that products are compared with are made of.

namespace lockstep::kernels {

/// One multiply-add with one rounding.
inline Real multiply_add(Real a, Real b, Real c) { return std::fma(a, b, c); }

inline std::vector<Real> numbers(Index count, std::uint32_t stream) {
  std::vector<Real> values;
  for (Index i = 0; i < count; ++i) {
    values.push_back(
        static_cast<Real>(random_normal({.seed = 8, .a = stream}, static_cast<std::uint64_t>(i))));
  }
  return values;
}

inline bool same(Real a, Real b) { return std::memcmp(&a, &b, sizeof a) == 0; }

/// The sum of leaf(m) over the microbatches of a block, on the tree.
template <typename Leaf>
Real sum_on_tree(std::span<const Microbatch> microbatches, MicrobatchRange block,
                 const Leaf& leaf) {
  std::vector<Real> memory(static_cast<std::size_t>(OrderedSum::memory_for(block.count, 1)));
  OrderedSum sum(memory, 1);
  for (Index m = block.first; m < block.end(); ++m) {
    sum.next()[0] = leaf(microbatches[static_cast<std::size_t>(m)]);
    sum.push({m, 1});
  }
  return sum.finish()[0];
}

}  // namespace lockstep::kernels
