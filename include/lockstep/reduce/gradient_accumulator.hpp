#pragma once

#include <span>
#include <vector>

#include "lockstep/base/buffer.hpp"
#include "lockstep/base/share.hpp"
#include "lockstep/reduce/gradient_reducer.hpp"

namespace lockstep {

/// Gradients of several passes over a share, summed on the tree of OrderedSum: the blocks of the
/// reducer get the same bits as from a single pass.
///
/// In every step, for each pass in order: fill its blocks from the end of the buffer to its start,
/// and call `ready_from(pass, offset)` whenever everything from `offset` on is final. After the
/// last pass, everything from there on is final in the blocks of the reducer, too.
///
/// Memory: besides those blocks about log2(passes) gradients, for what waits to be added; none for
/// a single pass.
class GradientAccumulator {
 public:
  using Block = GradientReducer::Block;

  /// `blocks`: the maximal aligned blocks of the share; `passes`: the parts that it is cut into.
  GradientAccumulator(std::span<const Block> blocks, std::span<const Share> passes);

  [[nodiscard]] Index passes() const { return static_cast<Index>(passes_.size()); }
  /// One for each maximal aligned block of the pass, and the flat buffer for its gradient.
  [[nodiscard]] std::span<const Block> blocks(Index pass) const {
    return passes_[static_cast<std::size_t>(pass)].blocks;
  }

  /// Bytes taken.
  [[nodiscard]] Index bytes() const { return memory_.size() * static_cast<Index>(sizeof(Real)); }

  /// Adds what can be added from `offset` on. Offsets fall within a pass. Allocates nothing.
  void ready_from(Index pass, Index offset);

 private:
  /// to += from
  struct Addition {
    Real* to;
    const Real* from;
  };
  struct Pass {
    std::vector<Block> blocks;
    std::vector<Addition> additions;  ///< in the order of the tree
  };

  /// Returns the number of gradients that wait at the same time.
  Index plan(std::span<const Block> blocks, std::span<const Share> passes);

  Index size_;
  Buffer<Real> memory_;
  std::vector<Pass> passes_;
  Index running_ = 0;  ///< pass
  Index added_from_;   ///< in that pass
};

}  // namespace lockstep
