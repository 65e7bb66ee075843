#pragma once

#include <span>

#include "lockstep/kernels/linear.hpp"

namespace lockstep::kernels {

/// The microbatches of `block` among those of the share.
[[nodiscard]] RowBlocks rows_of(const RowBlocks& rows, MicrobatchRange block);

/// total[j] += the sum of column j of some rows of `width` numbers, `stride` apart, one row after
/// the other.
void add_rows_to(Real* total, const Real* rows, Index stride, Index width, Index count);

/// Some columns of dy, `stride` numbers from row to row, summed over the rows of each leaf, then
/// over the leaves, to `dbias`, which may be narrower than `width`. Uses
/// OrderedSum::memory_for(leaves, width) numbers of `stack`.
void sum_bias(const RowBlocks& leaves, const Real* columns, Index stride, Index width,
              std::span<Real> dbias, std::span<Real> stack);

}  // namespace lockstep::kernels
