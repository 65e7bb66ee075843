// Every register form of the inner loops against one std::fma after the other, bit by bit: that
// each product is fused rests on no compiler, however few rows and vectors a tile has.
#include "kernels/tile.hpp"

#include <gtest/gtest.h>

#include "kernels/conv_tile.hpp"
#include "kernels/kernel_testing.hpp"

namespace lockstep::kernels {
namespace {

constexpr Index kDepth = 37;

/// sum over p of a(i, p) b(p, j), in the order of p.
template <typename A, typename B>
Real chain(Index depth, Real start, const A& a, const B& b) {
  Real sum = start;
  for (Index p = 0; p < depth; ++p) sum = multiply_add(a(p), b(p), sum);
  return sum;
}

TEST(Tile, EveryFormIsAChainOfFusedMultiplyAdds) {
  const std::vector<Real> a = numbers(kTileRows * kDepth, 1);
  const std::vector<Real> b = numbers(kDepth * kTileColumns, 2);
  for (const bool in_rows : {false, true}) {
    for (Index rows = 1; rows <= kTileRows; ++rows) {
      for (const Index columns : {kLanes, kTileColumns}) {
        std::vector<Real> out(static_cast<std::size_t>(rows * columns));
        multiply_tile({.rows = rows,
                       .columns = columns,
                       .depth = kDepth,
                       .a = a.data(),
                       .a_step = in_rows ? kDepth : kTileRows,
                       .a_in_rows = in_rows,
                       .b = b.data(),
                       .b_stride = kTileColumns,
                       .out = out.data(),
                       .out_stride = columns});
        for (Index i = 0; i < rows; ++i) {
          for (Index j = 0; j < columns; ++j) {
            const Real expected = chain(
                kDepth, 0,
                [&](Index p) {
                  return a[static_cast<std::size_t>(in_rows ? i * kDepth + p : p * kTileRows + i)];
                },
                [&](Index p) { return b[static_cast<std::size_t>(p * kTileColumns + j)]; });
            EXPECT_TRUE(same(expected, out[static_cast<std::size_t>(i * columns + j)]))
                << rows << " x " << columns << (in_rows ? " in rows" : " in columns");
          }
        }
      }
    }
  }
}

TEST(ConvTiles, EveryFormIsAChainOfFusedMultiplyAdds) {
  const std::vector<Real> a = numbers(kTileRows * kDepth, 3);
  const std::vector<Real> b = numbers(kDepth * kTileColumns, 4);
  const std::vector<Real> start = numbers(kTileColumns, 5);
  for (Index rows = 1; rows <= kTileRows; ++rows) {
    for (const Index columns : {kLanes, kTileColumns}) {
      std::vector<Real> out(static_cast<std::size_t>(rows * columns)), sums(out);
      multiply_conv_tile({.rows = rows,
                          .columns = columns,
                          .lines = 1,
                          .places = 1,
                          .depth = kDepth,
                          .a = a.data(),
                          .a_step = kDepth,
                          .b = b.data(),
                          .b_stride = kTileColumns,
                          .start = start.data(),
                          .out = out.data(),
                          .out_stride = columns});
      multiply_conv_gradient_tile({.rows = rows,
                                   .columns = columns,
                                   .samples = 1,
                                   .lines = 1,
                                   .depth = kDepth,
                                   .a = a.data(),
                                   .a_step = kTileRows,
                                   .b = b.data(),
                                   .b_stride = kTileColumns,
                                   .sums = sums.data()});
      for (Index i = 0; i < rows; ++i) {
        for (Index j = 0; j < columns; ++j) {
          const auto column = [&](Index p) {
            return b[static_cast<std::size_t>(p * kTileColumns + j)];
          };
          const auto at = static_cast<std::size_t>(i * columns + j);
          const Real forward = chain(
              kDepth, start[static_cast<std::size_t>(j)],
              [&](Index p) { return a[static_cast<std::size_t>(i * kDepth + p)]; }, column);
          const Real gradient = chain(
              kDepth, 0, [&](Index p) { return a[static_cast<std::size_t>(p * kTileRows + i)]; },
              column);
          EXPECT_TRUE(same(forward, out[at])) << rows << " x " << columns;
          EXPECT_TRUE(same(gradient, sums[at])) << rows << " x " << columns;
        }
      }
    }
  }
}

}  // namespace
}  // namespace lockstep::kernels
