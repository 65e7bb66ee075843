#include "kernels/conv_tile.hpp"

#include <cstddef>

#include "kernels/multiply_add.hpp"

namespace lockstep::kernels {
namespace {

struct Forward {
  using Tile = ConvTile;

  template <std::size_t kRows, std::size_t kVectors>
  static void run(const Tile& t) {
    Sums<kRows, kVectors> c;
    load(c, t.start, 0);
    multiply_add(c,
                 Walk{.outer = t.lines,
                      .middle = t.places,
                      .inner = t.depth,
                      .outer_step = t.a_line,
                      .middle_step = t.a_place},
                 t.a, t.a_step, Step<1>{}, t.b, t.b_stride);
    store(c, t.out, t.out_stride);
  }
};

struct Gradient {
  using Tile = ConvGradientTile;

  template <std::size_t kRows, std::size_t kVectors>
  static void run(const Tile& t) {
    Sums<kRows, kVectors> c{};
    if (!t.first) load(c, t.sums, t.columns);
    multiply_add(c,
                 Walk{.outer = t.samples,
                      .middle = t.lines,
                      .inner = t.depth,
                      .outer_step = t.a_sample,
                      .middle_step = t.a_line},
                 t.a, Step<1>{}, t.a_step, t.b, t.b_stride);
    store(c, t.sums, t.columns);
  }
};

}  // namespace

void multiply_conv_tile(const ConvTile& tile) { run_form<Forward>(tile); }

void multiply_conv_gradient_tile(const ConvGradientTile& tile) { run_form<Gradient>(tile); }

}  // namespace lockstep::kernels
