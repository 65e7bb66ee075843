// The products of other libraries that ours are measured beside, against sums in double.
#include "lockstep/kernels/gemm.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

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
  std::vector<Form> all{{"Eigen", gemm_eigen}};
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

}  // namespace
}  // namespace lockstep::kernels
