// Both forms of the matrix product against each other and against sums in double.
#include "lockstep/kernels/gemm.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <vector>

#include "lockstep/base/buffer.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/base/random.hpp"

namespace lockstep::kernels {
namespace {

std::vector<Real> numbers(Index count, std::uint32_t stream) {
  std::vector<Real> values;
  for (Index i = 0; i < count; ++i) {
    values.push_back(
        static_cast<Real>(random_normal({.seed = 3, .a = stream}, static_cast<std::uint64_t>(i))));
  }
  return values;
}

GemmShape shape_of(Transpose ta, Transpose tb, Index m, Index n, Index k, Index padding = 0) {
  return {.transpose_a = ta,
          .transpose_b = tb,
          .m = m,
          .n = n,
          .k = k,
          .lda = (ta == Transpose::yes ? m : k) + padding,
          .ldb = (tb == Transpose::yes ? k : n) + padding,
          .ldc = n + padding};
}

// The largest error relative to the sum of the magnitudes of what is added.
double relative_error(const GemmShape& s, const Real* a, const Real* b, const Real* c) {
  double worst = 0;
  for (Index i = 0; i < s.m; ++i) {
    for (Index j = 0; j < s.n; ++j) {
      double sum = 0, magnitude = 1e-30;
      for (Index p = 0; p < s.k; ++p) {
        const double x = a[s.transpose_a == Transpose::yes ? p * s.lda + i : i * s.lda + p];
        const double y = b[s.transpose_b == Transpose::yes ? j * s.ldb + p : p * s.ldb + j];
        sum += x * y;
        magnitude += std::abs(x * y);
      }
      worst = std::max(worst, std::abs(static_cast<double>(c[i * s.ldc + j]) - sum) / magnitude);
    }
  }
  return worst;
}

struct Form {
  const char* name;
  std::function<Gemm> gemm;
};

std::vector<Form> forms() {
  std::vector<Form> all{{"Eigen", gemm_eigen}, {"chosen", gemm}};
  if (has_onednn()) all.push_back({"oneDNN", gemm_onednn});
  return all;
}

TEST(Gemm, EveryFormAgreesWithDouble) {
  const Index sizes[][3] = {{1, 1, 1},     {1, 7, 5},     {5, 1, 9},    {3, 4, 2},
                            {16, 10, 256}, {64, 130, 33}, {33, 64, 300}};
  for (const auto& size : sizes) {
    for (const Transpose ta : {Transpose::no, Transpose::yes}) {
      for (const Transpose tb : {Transpose::no, Transpose::yes}) {
        for (const Index padding : {0, 3}) {
          const GemmShape s = shape_of(ta, tb, size[0], size[1], size[2], padding);
          const auto a = numbers(s.lda * (ta == Transpose::yes ? s.k : s.m), 1);
          const auto b = numbers(s.ldb * (tb == Transpose::yes ? s.n : s.k), 2);
          for (const Form& form : forms()) {
            std::vector<Real> c(static_cast<std::size_t>(s.m * s.ldc), 99);
            form.gemm(s, a.data(), b.data(), c.data());
            EXPECT_LT(relative_error(s, a.data(), b.data(), c.data()), 1e-6) << form.name;
            if (padding > 0) {
              EXPECT_EQ(c[static_cast<std::size_t>(s.n)], 99) << "wrote between the rows";
            }
          }
        }
      }
    }
  }
}

TEST(Gemm, EmptyProductsAreZeroOrNothing) {
  for (const Form& form : forms()) {
    std::vector<Real> c(6, 5);
    form.gemm(shape_of(Transpose::no, Transpose::no, 2, 3, 0), nullptr, nullptr, c.data());
    EXPECT_EQ(c, std::vector<Real>(6, 0)) << form.name;
    form.gemm(shape_of(Transpose::no, Transpose::no, 0, 3, 4), nullptr, c.data(), nullptr);
  }
}

// Within a share, the rows of a microbatch start anywhere: addresses must not decide bits.
TEST(Gemm, BitsDoNotDependOnAddresses) {
  const Index sizes[][3] = {{1, 1, 3},  {2, 3, 4},    {5, 10, 7},  {7, 1, 40},
                            {1, 9, 64}, {8, 10, 128}, {13, 65, 31}};
  for (const auto& size : sizes) {
    for (const Transpose ta : {Transpose::no, Transpose::yes}) {
      for (const Transpose tb : {Transpose::no, Transpose::yes}) {
        const GemmShape s = shape_of(ta, tb, size[0], size[1], size[2]);
        const auto a = numbers(s.m * s.k, 1);
        const auto b = numbers(s.k * s.n, 2);
        for (const Form& form : forms()) {
          std::vector<Real> first;
          for (Index offset = 0; offset < 16; ++offset) {
            Buffer<Real> memory(s.m * s.k + s.k * s.n + s.m * s.n + 100);
            Real* pa = memory.data() + offset;
            Real* pb = pa + s.m * s.k + (offset * 7) % 16;
            Real* pc = pb + s.k * s.n + (offset * 5) % 16;
            std::ranges::copy(a, pa);
            std::ranges::copy(b, pb);
            form.gemm(s, pa, pb, pc);
            const std::vector<Real> result(pc, pc + s.m * s.n);
            if (offset == 0) first = result;
            EXPECT_EQ(std::memcmp(first.data(), result.data(), result.size() * sizeof(Real)), 0)
                << form.name << ' ' << s.m << ' ' << s.n << ' ' << s.k << " offset " << offset;
          }
        }
      }
    }
  }
}

// Eigen computes products of a few numbers in another way than larger ones.
TEST(Gemm, BitsOfSmallProductsDoNotDependOnAddresses) {
  Buffer<Real> memory(4096);
  for (Index m = 1; m <= 12; ++m) {
    for (Index n = 1; n <= 12; ++n) {
      for (Index k = 1; k <= 20; ++k) {
        const GemmShape s = shape_of(Transpose::no, Transpose::no, m, n, k);
        const auto a = numbers(m * k, 1);
        const auto b = numbers(k * n, 2);
        std::vector<Real> first;
        for (const Index offset : {0, 1, 3, 4, 7, 8, 13}) {
          Real* pa = memory.data() + offset;
          Real* pb = pa + m * k + offset % 5;
          Real* pc = pb + k * n + offset % 3;
          std::ranges::copy(a, pa);
          std::ranges::copy(b, pb);
          gemm_eigen(s, pa, pb, pc);
          const std::vector<Real> result(pc, pc + m * n);
          if (offset == 0) first = result;
          ASSERT_EQ(std::memcmp(first.data(), result.data(), result.size() * sizeof(Real)), 0)
              << m << ' ' << n << ' ' << k << " offset " << offset;
        }
      }
    }
  }
}

TEST(Gemm, BitsDoNotDependOnTheThreadsAround) {
  const GemmShape s = shape_of(Transpose::no, Transpose::no, 32, 64, 128);
  const auto a = numbers(s.m * s.k, 1);
  const auto b = numbers(s.k * s.n, 2);
  std::vector<std::vector<Real>> results;
  for (int threads = 1; threads <= 4; ++threads) {
    set_thread_count(threads);
    std::vector<Real> c(static_cast<std::size_t>(4 * s.m * s.n));
    parallel_for(4, [&](Index i) { gemm(s, a.data(), b.data(), c.data() + i * s.m * s.n); });
    results.push_back(c);
  }
  set_thread_count(1);
  for (const auto& r : results) {
    EXPECT_EQ(std::memcmp(r.data(), results[0].data(), r.size() * sizeof(Real)), 0);
  }
}

}  // namespace
}  // namespace lockstep::kernels
