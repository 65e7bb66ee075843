#include <gtest/gtest.h>

#include <array>
#include <ostream>
#include <vector>

#include "kernels/kernel_testing.hpp"
#include "lockstep/base/buffer.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/kernels/conv.hpp"

// Convolutions of 3 x 3 are compared, bit by bit, with Winograd's method number by number.

namespace lockstep::kernels {
namespace {

constexpr Index kWinogradMicrobatches = 3;

template <std::size_t kRows, std::size_t kColumns>
using Grid = std::array<std::array<Real, kColumns>, kRows>;

template <std::size_t kLength>
using Numbers = std::array<Real, kLength>;

Numbers<4> of_inputs(const Numbers<4>& d) {
  return {d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]};
}
Numbers<4> of_weights(const Numbers<3>& g) {
  const Real outer = g[0] + g[2];
  return {g[0], (outer + g[1]) / 2, (outer - g[1]) / 2, g[2]};
}
Numbers<2> to_outputs(const Numbers<4>& m) {
  const Real first = m[0] + m[1];
  const Real second = m[1] - m[2];
  return {first + m[2], second - m[3]};
}
Numbers<4> of_output_gradients(const Numbers<2>& y) {
  return {y[0], y[0] + y[1], y[0] - y[1], -y[1]};
}
Numbers<3> to_weight_gradients(const Numbers<4>& m) {
  const Real inner = (m[1] + m[2]) / 2;
  return {m[0] + inner, (m[1] - m[2]) / 2, inner + m[3]};
}

/// Along columns, then along lines.
template <std::size_t kFrom, std::size_t kTo>
Grid<kTo, kTo> transform(Numbers<kTo> (*line)(const Numbers<kFrom>&),
                         const Grid<kFrom, kFrom>& from) {
  Grid<kTo, kFrom> half;
  Grid<kTo, kTo> result;
  for (std::size_t j = 0; j < kFrom; ++j) {
    Numbers<kFrom> column;
    for (std::size_t i = 0; i < kFrom; ++i) column[i] = from[i][j];
    const Numbers<kTo> transformed = line(column);
    for (std::size_t i = 0; i < kTo; ++i) half[i][j] = transformed[i];
  }
  for (std::size_t i = 0; i < kTo; ++i) result[i] = line(half[i]);
  return result;
}

struct Case {
  Index samples;
  Shape input;
  Index outputs;
  Index padding;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.samples << " x " << c.input.height << " x " << c.input.width << " x "
             << c.input.channels << " to " << c.outputs << ", padding " << c.padding;
}

/// Images, and zeros around them.
struct Images {
  Shape shape;
  std::vector<Real> values;

  [[nodiscard]] Real at(Index sample, Index row, Index column, Index channel) const {
    if (row < 0 || column < 0 || row >= shape.height || column >= shape.width) return 0;
    return values[static_cast<std::size_t>(
        ((sample * shape.height + row) * shape.width + column) * shape.channels + channel)];
  }
  template <std::size_t kSize>
  [[nodiscard]] Grid<kSize, kSize> square(Index sample, Index row, Index column,
                                          Index channel) const {
    Grid<kSize, kSize> numbers;
    for (std::size_t i = 0; i < kSize; ++i) {
      for (std::size_t j = 0; j < kSize; ++j) {
        numbers[i][j] =
            at(sample, row + static_cast<Index>(i), column + static_cast<Index>(j), channel);
      }
    }
    return numbers;
  }
};

class Winograd : public testing::TestWithParam<Case> {
 protected:
  Winograd()
      : c_(GetParam()),
        conv_(convolution(c_)),
        layout_(conv_.weight()),
        x_{c_.input, numbers(c_.samples * c_.input.size(), 1)},
        dy_{conv_.output, numbers(c_.samples * conv_.output.size(), 2)},
        w_(numbers(layout_.rows * layout_.columns, 3)),
        bias_(numbers(c_.outputs, 4)),
        panels_(layout_.size()),
        microbatches_(kWinogradMicrobatches) {
    for (Index i = 0; i < layout_.rows; ++i) {
      for (Index j = 0; j < layout_.columns; ++j) {
        panels_.data()[layout_.at(i, j)] = w_[static_cast<std::size_t>(i * layout_.columns + j)];
      }
    }
    cut_batch({0, kWinogradMicrobatches}, c_.samples, kWinogradMicrobatches, microbatches_);
  }
  ~Winograd() override { set_thread_count(1); }

  static Convolution convolution(const Case& c) {
    const Window window{.size = 3, .before = c.padding, .after = c.padding};
    return {
        .input = c.input,
        .output = {window.positions(c.input.height), window.positions(c.input.width), c.outputs},
        .rows = window,
        .columns = window};
  }
  // Exactly as much as was asked for: what is written beyond it, a sanitizer sees.
  [[nodiscard]] Buffer<Real> scratch(int threads) const {
    return Buffer<Real>(conv_scratch(conv_, c_.samples, kWinogradMicrobatches, threads));
  }
  [[nodiscard]] Real w(Index row, Index column, Index input, Index output) const {
    return w_[static_cast<std::size_t>(
        ((row * 3 + column) * c_.input.channels + input) * c_.outputs + output)];
  }

  /// What a window g(r, s, input, output) makes of an image at (row, column), both even, and right
  /// of it and below.
  template <typename Window3>
  [[nodiscard]] static Grid<2, 2> filtered(const Images& images, Index sample, Index row,
                                           Index column, Index padding, Index output,
                                           const Window3& g) {
    Grid<4, 4> sums{};
    for (Index input = 0; input < images.shape.channels; ++input) {
      Grid<3, 3> window;
      for (std::size_t r = 0; r < 3; ++r) {
        for (std::size_t s = 0; s < 3; ++s) {
          window[r][s] = g(static_cast<Index>(r), static_cast<Index>(s), input, output);
        }
      }
      const auto weights = transform(of_weights, window);
      const auto inputs =
          transform(of_inputs, images.square<4>(sample, row - padding, column - padding, input));
      for (std::size_t i = 0; i < 4; ++i) {
        for (std::size_t j = 0; j < 4; ++j) {
          sums[i][j] = multiply_add(inputs[i][j], weights[i][j], sums[i][j]);
        }
      }
    }
    return transform(to_outputs, sums);
  }

  /// Compares results with filtered(), plus the bias of an output if there is one.
  template <typename Window3>
  void expect_filtered(const Images& results, const Images& images, Index padding,
                       const std::vector<Real>& bias, const Window3& g) const {
    for (Index n = 0; n < c_.samples; ++n) {
      for (Index row = 0; row < results.shape.height; row += 2) {
        for (Index column = 0; column < results.shape.width; column += 2) {
          for (Index o = 0; o < results.shape.channels; ++o) {
            const auto expected = filtered(images, n, row, column, padding, o, g);
            for (Index i = 0; i < 2 && row + i < results.shape.height; ++i) {
              for (Index j = 0; j < 2 && column + j < results.shape.width; ++j) {
                const Real start = bias.empty() ? 0 : bias[static_cast<std::size_t>(o)];
                ASSERT_TRUE(same(
                    results.at(n, row + i, column + j, o),
                    start + expected[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)]))
                    << n << ' ' << row + i << ' ' << column + j << ' ' << o;
              }
            }
          }
        }
      }
    }
  }

  Case c_;
  Convolution conv_;
  PanelLayout layout_;
  Images x_, dy_;
  std::vector<Real> w_, bias_;
  Buffer<Real> panels_;
  std::vector<Microbatch> microbatches_;
};

TEST_P(Winograd, ForwardIsAChainOverInputsAtEachPoint) {
  for (const int threads : {1, 3}) {
    set_thread_count(threads);
    Images y{conv_.output, std::vector<Real>(dy_.values.size(), NAN)};
    conv_forward(conv_, c_.samples, x_.values.data(), panels_.data(), bias_, y.values.data(),
                 scratch(threads).span());
    expect_filtered(y, x_, c_.padding, bias_, [&](Index r, Index s, Index input, Index output) {
      return w(r, s, input, output);
    });
  }
}

TEST_P(Winograd, InputGradientIsAChainOverOutputsAtEachPoint) {
  for (const int threads : {1, 3}) {
    set_thread_count(threads);
    Images dx{conv_.input, std::vector<Real>(x_.values.size(), NAN)};
    conv_input_gradient(conv_, c_.samples, dy_.values.data(), panels_.data(), dx.values.data(),
                        scratch(threads).span());
    expect_filtered(dx, dy_, 2 - c_.padding, {}, [&](Index r, Index s, Index output, Index input) {
      return w(2 - r, 2 - s, input, output);
    });
  }
}

TEST_P(Winograd, WeightGradientIsAChainOverTheTilesOfAMicrobatchThenATree) {
  for (const int threads : {1, 3}) {
    set_thread_count(threads);
    std::vector<Real> dw(static_cast<std::size_t>(layout_.size()), NAN);
    std::vector<Real> dbias(static_cast<std::size_t>(c_.outputs), NAN);
    const LinearGradient gradient{{0, kWinogradMicrobatches}, dw.data(), dbias};
    conv_weight_gradient(conv_, {microbatches_, conv_.output.positions()}, x_.values.data(),
                         dy_.values.data(), {&gradient, 1}, scratch(threads).span());
    for (Index input = 0; input < c_.input.channels; ++input) {
      for (Index output = 0; output < c_.outputs; ++output) {
        std::vector<Grid<3, 3>> leaves;
        for (const Microbatch& m : microbatches_) {
          Grid<4, 4> sums{};
          for (Index n = m.first_row; n < m.first_row + m.rows; ++n) {
            for (Index row = 0; row < conv_.output.height; row += 2) {
              for (Index column = 0; column < conv_.output.width; column += 2) {
                const auto seen = transform(
                    of_inputs, x_.square<4>(n, row - c_.padding, column - c_.padding, input));
                const auto blamed =
                    transform(of_output_gradients, dy_.square<2>(n, row, column, output));
                for (std::size_t i = 0; i < 4; ++i) {
                  for (std::size_t j = 0; j < 4; ++j) {
                    sums[i][j] = multiply_add(seen[i][j], blamed[i][j], sums[i][j]);
                  }
                }
              }
            }
          }
          leaves.push_back(transform(to_weight_gradients, sums));
        }
        for (Index r = 0; r < 3; ++r) {
          for (Index s = 0; s < 3; ++s) {
            const Real expected =
                sum_on_tree(microbatches_, gradient.block, [&](const Microbatch& m) {
                  return leaves[static_cast<std::size_t>(m.index)][static_cast<std::size_t>(r)]
                               [static_cast<std::size_t>(s)];
                });
            const Index place = layout_.at((r * 3 + s) * c_.input.channels + input, output);
            ASSERT_TRUE(same(dw[static_cast<std::size_t>(place)], expected))
                << r << ' ' << s << ' ' << input << ' ' << output;
          }
        }
      }
    }
    for (Index output = 0; output < c_.outputs; ++output) {
      const Real expected = sum_on_tree(microbatches_, gradient.block, [&](const Microbatch& m) {
        Real sum = 0;
        for (Index n = m.first_row; n < m.first_row + m.rows; ++n) {
          for (Index i = 0; i < conv_.output.positions(); ++i) {
            sum += dy_.at(n, i / conv_.output.width, i % conv_.output.width, output);
          }
        }
        return sum;
      });
      ASSERT_TRUE(same(dbias[static_cast<std::size_t>(output)], expected)) << output;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Winograd,
                         testing::Values(Case{3, {4, 6, 16}, 16, 1}, Case{5, {7, 5, 16}, 48, 1},
                                         Case{4, {6, 9, 32}, 32, 0}, Case{3, {2, 4, 16}, 16, 2},
                                         // more tiles than are transformed together
                                         Case{7, {22, 26, 16}, 16, 1}));

}  // namespace
}  // namespace lockstep::kernels
