#include "kernels/bias_gradient.hpp"

#include <algorithm>

#include "lockstep/base/ordered_sum.hpp"

namespace lockstep::kernels {

RowBlocks rows_of(const RowBlocks& rows, MicrobatchRange block) {
  const auto first = static_cast<std::size_t>(block.first - rows.microbatches.front().index);
  return {rows.microbatches.subspan(first, static_cast<std::size_t>(block.count)), rows.positions};
}

void add_rows_to(Real* total, const Real* rows, Index stride, Index width, Index count) {
  for (Index i = 0; i < count; ++i, rows += stride) {
    for (Index j = 0; j < width; ++j) total[j] += rows[j];
  }
}

void sum_bias(const RowBlocks& leaves, const Real* columns, Index stride, Index width,
              std::span<Real> dbias, std::span<Real> stack) {
  OrderedSum sum(stack, width);
  for (Index i = 0; i < leaves.size(); ++i) {
    const RowBlock leaf = leaves[i];
    Real* const total = sum.next().data();
    std::fill_n(total, width, Real{0});
    add_rows_to(total, columns + leaf.first * stride, stride, width, leaf.count);
    sum.push({leaf.index, 1});
  }
  std::copy_n(sum.finish().data(), dbias.size(), dbias.data());
}

}  // namespace lockstep::kernels
