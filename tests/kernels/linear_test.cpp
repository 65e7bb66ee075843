#include "lockstep/kernels/linear.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <ostream>
#include <vector>

#include "kernels/kernel_testing.hpp"
#include "lockstep/base/buffer.hpp"
#include "lockstep/base/ordered_sum.hpp"
#include "lockstep/base/parallel.hpp"

// Every result is compared, bit by bit, with the plain loop that its docstring states.

namespace lockstep::kernels {
namespace {

constexpr Index kMicrobatches = 5;

// Behind scratch: longer than what any product writes at a time.
constexpr Index kGuard = 1 << 20;
constexpr Real kUntouched = 12345;

struct Sizes {
  Index rows, in, out;
};

std::ostream& operator<<(std::ostream& out, const Sizes& s) {
  return out << s.rows << " x " << s.in << " x " << s.out;
}

class LinearKernels : public testing::TestWithParam<Sizes> {
 protected:
  LinearKernels()
      : s_(GetParam()),
        layout_{s_.in, s_.out},
        x_(numbers(s_.rows * s_.in, 1)),
        w_(numbers(s_.in * s_.out, 2)),
        bias_(numbers(s_.out, 3)),
        dy_(numbers(s_.rows * s_.out, 4)),
        panels_(layout_.size()),
        microbatches_(kMicrobatches) {
    for (Index i = 0; i < s_.in; ++i) {
      for (Index j = 0; j < s_.out; ++j) panels_.data()[layout_.at(i, j)] = w(i, j);
    }
    cut_batch({0, kMicrobatches}, s_.rows, kMicrobatches, microbatches_);
  }
  ~LinearKernels() override { set_thread_count(1); }

  [[nodiscard]] Real x(Index i, Index p) const {
    return x_[static_cast<std::size_t>(i * s_.in + p)];
  }
  [[nodiscard]] Real w(Index p, Index j) const {
    return w_[static_cast<std::size_t>(p * s_.out + j)];
  }
  [[nodiscard]] Real dy(Index i, Index j) const {
    return dy_[static_cast<std::size_t>(i * s_.out + j)];
  }
  [[nodiscard]] Weight weight() const { return {panels_.data(), layout_}; }
  // Exactly as much as was asked for: what is written beyond it, a sanitizer sees.
  [[nodiscard]] Buffer<Real> scratch(int threads) const {
    return Buffer<Real>(linear_scratch(s_.rows, kMicrobatches, layout_, threads));
  }

  // The gradients of the blocks: each dw in panels, then dbias.
  std::vector<Real> gradients(const std::vector<MicrobatchRange>& blocks, int threads) const {
    set_thread_count(threads);
    const Index each = aligned<Real>(layout_.size()) + s_.out;
    std::vector<Real> all(static_cast<std::size_t>(each) * blocks.size(), NAN);
    std::vector<LinearGradient> targets;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      Real* const at = all.data() + static_cast<Index>(b) * each;
      targets.push_back(
          {blocks[b], at, {at + aligned<Real>(layout_.size()), static_cast<std::size_t>(s_.out)}});
    }
    linear_weight_gradient({microbatches_, 1}, {x_.data(), s_.rows, s_.in},
                           {dy_.data(), s_.rows, s_.out}, targets, scratch(threads).span());
    return all;
  }

  template <typename Leaf>
  Real tree(MicrobatchRange block, const Leaf& leaf) const {
    return sum_on_tree(microbatches_, block, leaf);
  }

  Sizes s_;
  PanelLayout layout_;
  std::vector<Real> x_, w_, bias_, dy_;
  Buffer<Real> panels_;
  std::vector<Microbatch> microbatches_;
};

TEST_P(LinearKernels, ForwardIsOneChainFromTheBiasOn) {
  for (const int threads : {1, 3}) {
    set_thread_count(threads);
    std::vector<Real> y(static_cast<std::size_t>(s_.rows * s_.out), NAN);
    linear_forward({x_.data(), s_.rows, s_.in}, weight(), bias_, {y.data(), s_.rows, s_.out},
                   scratch(threads).span());
    for (Index i = 0; i < s_.rows; ++i) {
      for (Index j = 0; j < s_.out; ++j) {
        Real sum = bias_[static_cast<std::size_t>(j)];
        for (Index p = 0; p < s_.in; ++p) sum = multiply_add(x(i, p), w(p, j), sum);
        ASSERT_TRUE(same(y[static_cast<std::size_t>(i * s_.out + j)], sum)) << i << ' ' << j;
      }
    }
  }
}

TEST_P(LinearKernels, InputGradientIsOneChain) {
  for (const int threads : {1, 3}) {
    set_thread_count(threads);
    std::vector<Real> dx(static_cast<std::size_t>(s_.rows * s_.in), NAN);
    linear_input_gradient({dy_.data(), s_.rows, s_.out}, weight(), {dx.data(), s_.rows, s_.in},
                          scratch(threads).span());
    for (Index i = 0; i < s_.rows; ++i) {
      for (Index p = 0; p < s_.in; ++p) {
        Real sum = 0;
        for (Index j = 0; j < s_.out; ++j) sum = multiply_add(w(p, j), dy(i, j), sum);
        ASSERT_TRUE(same(dx[static_cast<std::size_t>(i * s_.in + p)], sum)) << i << ' ' << p;
      }
    }
  }
}

TEST_P(LinearKernels, GradientsAreChainsWithinAMicrobatchAndATreeAcross) {
  const std::vector<MicrobatchRange> blocks{{0, 4}, {4, 1}};
  const auto all = gradients(blocks, 1);
  const Index each = static_cast<Index>(all.size()) / 2;
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const Real* const dw = all.data() + static_cast<Index>(b) * each;
    for (Index p = 0; p < s_.in; ++p) {
      for (Index j = 0; j < s_.out; ++j) {
        const Real expected = tree(blocks[b], [&](const Microbatch& m) {
          Real sum = 0;
          for (Index i = m.first_row; i < m.first_row + m.rows; ++i) {
            sum = multiply_add(x(i, p), dy(i, j), sum);
          }
          return sum;
        });
        ASSERT_TRUE(same(dw[layout_.at(p, j)], expected)) << p << ' ' << j;
      }
    }
    for (Index j = 0; j < s_.out; ++j) {
      const Real expected = tree(blocks[b], [&](const Microbatch& m) {
        Real sum = 0;
        for (Index i = m.first_row; i < m.first_row + m.rows; ++i) sum += dy(i, j);
        return sum;
      });
      ASSERT_TRUE(same(dw[aligned<Real>(layout_.size()) + j], expected)) << j;
    }
  }
}

TEST_P(LinearKernels, ThreadsChangeNoBitOfAGradientAndColumnsBeyondTheMatrixAreZero) {
  const std::vector<MicrobatchRange> blocks{{0, 4}, {4, 1}};
  const auto one = gradients(blocks, 1);
  for (const int threads : {2, 3}) {
    const auto several = gradients(blocks, threads);
    EXPECT_EQ(std::memcmp(one.data(), several.data(), one.size() * sizeof(Real)), 0);
  }
  const Index last = layout_.panels() - 1;
  for (Index p = 0; p < s_.in; ++p) {
    for (Index j = layout_.used(last); j < layout_.width(last); ++j) {
      ASSERT_EQ(one[static_cast<std::size_t>(layout_.begin(last) + p * layout_.width(last) + j)],
                0);
    }
  }
}

// Scratch is planned for the most rows of a share; a pass may have fewer.
TEST(LinearScratch, SufficesForFewerRows) {
  constexpr Index kMost = 256;
  for (const auto& [in, out] :
       {std::pair<Index, Index>{3072, 64}, {4796, 2}, {784, 256}, {40, 33}}) {
    const PanelLayout layout{in, out};
    const auto x = numbers(kMost * in, 1);
    const auto dy = numbers(kMost * out, 2);
    for (const int threads : {1, 3}) {
      set_thread_count(threads);
      const Index asked = linear_scratch(kMost, 8, layout, threads);
      std::vector<Real> scratch(static_cast<std::size_t>(asked + kGuard), kUntouched);
      std::vector<Real> dw(static_cast<std::size_t>(layout.size()));
      std::vector<Real> dbias(static_cast<std::size_t>(out));
      const LinearGradient gradient{{0, 8}, dw.data(), dbias};
      for (Index rows = 0; rows <= kMost; rows += 16) {
        std::vector<Microbatch> microbatches(8);
        cut_batch({0, 8}, rows, 8, microbatches);
        linear_weight_gradient({microbatches, 1}, {x.data(), rows, in}, {dy.data(), rows, out},
                               {&gradient, 1},
                               std::span(scratch).first(static_cast<std::size_t>(asked)));
        EXPECT_TRUE(std::all_of(scratch.end() - kGuard, scratch.end(),
                                [](Real guard) { return guard == kUntouched; }))
            << rows << " rows of " << in << " inputs and " << out << " outputs";
      }
    }
  }
  set_thread_count(1);
}

INSTANTIATE_TEST_SUITE_P(Sizes, LinearKernels,
                         testing::Values(Sizes{1, 1, 1}, Sizes{3, 5, 2}, Sizes{23, 17, 16},
                                         Sizes{14, 33, 32}, Sizes{40, 29, 33}, Sizes{5, 7, 49},
                                         Sizes{70, 64, 100}, Sizes{2, 300, 65},
                                         // several blocks of rows, of depth and of inputs
                                         Sizes{460, 15, 21}, Sizes{9, 2100, 40},
                                         Sizes{33, 12, 9000}, Sizes{20, 300, 1100},
                                         // long microbatches, few and many sums
                                         Sizes{1400, 20, 40}, Sizes{1400, 130, 900}));

TEST(PanelLayout, PlacesEveryElementOnceAndLeavesGaps) {
  for (const auto& [rows, columns] : {std::pair<Index, Index>{3, 1}, {2, 16}, {5, 32}, {4, 70}}) {
    const PanelLayout layout{rows, columns};
    std::vector<int> uses(static_cast<std::size_t>(layout.size()));
    for (Index i = 0; i < rows; ++i) {
      for (Index j = 0; j < columns; ++j) ++uses[static_cast<std::size_t>(layout.at(i, j))];
    }
    EXPECT_EQ(std::ranges::count(uses, 1), rows * columns);
    EXPECT_EQ(std::ranges::count(uses, 0), layout.size() - rows * columns);
  }
}

}  // namespace
}  // namespace lockstep::kernels
