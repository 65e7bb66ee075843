#pragma once

#include <span>
#include <vector>

#include "lockstep/base/accumulation_plan.hpp"
#include "lockstep/base/buffer.hpp"
#include "lockstep/reduce/gradient_reducer.hpp"

namespace lockstep {

/// Gradient accumulation: the gradients of several parts of a rank's share, summed on the tree of
/// OrderedSum, so that the blocks of the reducer get the same bits as from a single part.
///
/// In every step, for each round in order: `begin(round)`, fill the blocks of its parts from the
/// end of the buffer to its start, and call `ready_from(offset)` whenever everything from `offset`
/// on is final in all of them. After the last round, everything from there on is final in the
/// blocks of the reducer, too.
///
/// Memory: besides those blocks about log2(rounds) gradients, for what waits to be added, and one
/// for each further part of a round; none for a single part.
class GradientAccumulator {
 public:
  using Block = GradientReducer::Block;

  /// `blocks`: the maximal aligned blocks of the share; `rounds`: how it is cut.
  GradientAccumulator(std::span<const Block> blocks, const AccumulationPlan& rounds);

  /// One for each maximal aligned block of the part, and the flat buffer for its gradient.
  [[nodiscard]] std::span<const Block> blocks(Index round, std::size_t part) const {
    return rounds_[static_cast<std::size_t>(round)].parts[part];
  }

  /// Bytes taken.
  [[nodiscard]] Index bytes() const { return memory_.size() * static_cast<Index>(sizeof(Real)); }

  void begin(Index round) {
    round_ = static_cast<std::size_t>(round);
    added_from_ = size_;
  }
  /// Adds what can be added from `offset` on, which falls within a round. Allocates nothing.
  void ready_from(Index offset);

 private:
  /// to += from
  struct Addition {
    Real* to;
    const Real* from;
  };
  struct Round {
    std::vector<std::vector<Block>> parts;
    std::vector<Addition> additions;  ///< in the order of the tree
  };

  /// Returns the number of gradients that wait at the same time.
  Index plan(std::span<const Block> blocks, const AccumulationPlan& rounds);

  Index size_;
  Buffer<Real> memory_;
  std::vector<Round> rounds_;
  std::size_t round_ = 0;
  Index added_from_ = 0;  ///< in that round
};

}  // namespace lockstep
