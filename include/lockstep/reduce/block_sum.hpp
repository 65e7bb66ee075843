#pragma once

#include <span>

#include "lockstep/base/buffer.hpp"
#include "lockstep/base/microbatches.hpp"

namespace lockstep {

/// Sums over blocks of microbatches on the tree of OrderedSum, with the memory that this takes.
class BlockSum {
 public:
  /// A block and the first number of what is to be summed of it.
  struct Source {
    MicrobatchRange block;
    const Real* values;
  };

  explicit BlockSum(Index microbatches);

  /// out[i] = the sum over the sources, in their order, of values[offset + i], for i in [0, size).
  /// `out` may be where one of them lies.
  void operator()(std::span<const Source> sources, Index offset, Index size, Real* out);

 private:
  Index each_;
  Buffer<Real> scratch_;  ///< of every thread
};

}  // namespace lockstep
