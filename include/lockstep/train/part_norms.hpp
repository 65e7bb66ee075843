#pragma once

#include <span>
#include <vector>

#include "lockstep/reduce/bucket_layout.hpp"

namespace lockstep {

/// Sums of squares over parts of flat buffers of which each rank holds its slices. A part is cut at
/// the slices and at the multiples of kNormBlock within them, which are the same places for every
/// number of ranks; the sum of a part is that of its pieces in order, whoever computed them.
///
///     norms.measure(0, slices, mine);
///     // every rank learns what the others wrote to theirs: `all`, one rank after the other
///     norms.square_sum(0, part, all);
class PartNorms {
 public:
  /// `parts` in the order of the buffer; `quantities` buffers are measured. Of rank `rank`.
  PartNorms(const BucketLayout& layout, int rank, std::span<const Range> parts,
            Index quantities = 1);

  /// Numbers that each rank writes.
  [[nodiscard]] const std::vector<Index>& counts() const { return counts_; }
  [[nodiscard]] std::size_t parts() const { return positions_.size(); }

  /// Writes what this rank's pieces have of a quantity, whose slices begin at `slices`.
  void measure(Index quantity, std::span<const Real* const> slices, std::span<double> out) const;

  /// The sum of squares of a part.
  [[nodiscard]] double square_sum(Index quantity, std::size_t part,
                                  std::span<const double> all) const;

 private:
  struct Piece {
    std::size_t slice;
    Range range;  ///< within the slice
  };

  Index quantities_;
  std::vector<Index> counts_;
  std::vector<Piece> pieces_;                  ///< of this rank
  std::vector<std::vector<Index>> positions_;  ///< in `all`, of each part's pieces in order
};

}  // namespace lockstep
