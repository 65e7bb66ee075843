#include "kernels/tree_tile.hpp"

#include <cassert>
#include <cstddef>

#include "kernels/multiply_add.hpp"
#include "lockstep/base/ordered_sum.hpp"

namespace lockstep::kernels {
namespace {

/// c = left + c.
template <std::size_t kRows, std::size_t kVectors>
[[gnu::always_inline]] inline void add_to_left(const Real* left, Index stride,
                                               Sums<kRows, kVectors>& c) {
  unrolled<kRows>([&](auto i) {
    unrolled<kVectors>([&](auto v) {
      c.at[i][v] =
          load(left + static_cast<Index>(i) * stride + static_cast<Index>(v) * kLanes) + c.at[i][v];
    });
  });
}

struct Tree {
  struct Tile {
    Index rows, columns;
    const kernels::Tile& product;
    const RowBlocks& leaves;
    Real* stack;
  };

  template <std::size_t kRows, std::size_t kVectors>
  static void run(const Tile& t) {
    constexpr Index kStride = static_cast<Index>(kVectors) * kLanes;
    constexpr Index kSize = static_cast<Index>(kRows) * kStride;
    const kernels::Tile& product = t.product;
    const Real* a = product.a;
    const Real* b = product.b;
    Real* top = t.stack;
    Index left = t.leaves.size();
    const Index first = t.leaves[0].index;
    for (Index l = 0;; ++l) {
      const RowBlock leaf = t.leaves[l];
      const Index merges = OrderedSum::merges_after(leaf.index, first);
      --left;
      Sums<kRows, kVectors> c{};
      if (merges == 0 && left > 0) {
        multiply_add(
            c, leaf.count, a, Step<1>{}, product.a_step, b,
            product.b_stride, [&](auto i) __attribute__((always_inline)) {
              unrolled<kVectors>([&](auto v) {
                store(top + static_cast<Index>(i * kVectors + v) * kLanes, c.at[i][v]);
              });
            });
        top += kSize;
      } else {
        multiply_add(c, leaf.count, a, Step<1>{}, product.a_step, b, product.b_stride);
        for (Index m = 0; m < merges; ++m) {
          top -= kSize;
          add_to_left(top, kStride, c);
        }
        if (left == 0) {  // a block of the tree: nothing else lies on the stack
          if (product.add) add_to_left(product.out, product.out_stride, c);
          return store(c, product.out, product.out_stride);
        }
        store(c, top, kStride);
        top += kSize;
      }
      a += leaf.count * product.a_step;
      b += leaf.count * product.b_stride;
    }
  }
};

}  // namespace

void multiply_tree(const Tile& tile, const RowBlocks& leaves, Real* stack) {
  assert(tile.a_in_rows == false && tile.start == nullptr);
  run_form<Tree>({tile.rows, tile.columns, tile, leaves, stack});
}

}  // namespace lockstep::kernels
