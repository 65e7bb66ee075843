#include <Eigen/Core>
#include <algorithm>

#include "lockstep/kernels/gemm.hpp"

namespace lockstep::kernels {
namespace {

using RowMajor = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using ConstMap = Eigen::Map<const RowMajor, 0, Eigen::OuterStride<>>;
using Map = Eigen::Map<RowMajor, 0, Eigen::OuterStride<>>;

// Eigen blocks a product by the cache sizes of the host, and other blocks give other bits: we fix
// the sizes.
[[maybe_unused]] const bool cache_sizes_are_pinned = [] {
  Eigen::setCpuCacheSizes(32 * 1024, 1024 * 1024, 16 * 1024 * 1024);
  return true;
}();

// Eigen takes products of a few numbers coefficient by coefficient, in an order that depends on
// addresses (m + n + k < 20 in Eigen 3.4). Within a share, rows start anywhere: small products are
// plain sums of ours.
constexpr Index kSmall = 32;

void gemm_small(const GemmShape& s, const Real* a, const Real* b, Real* c) {
  const bool ta = s.transpose_a == Transpose::yes;
  const bool tb = s.transpose_b == Transpose::yes;
  for (Index i = 0; i < s.m; ++i) {
    for (Index j = 0; j < s.n; ++j) {
      Real sum = 0;
      for (Index p = 0; p < s.k; ++p) {
        sum += a[ta ? p * s.lda + i : i * s.lda + p] * b[tb ? j * s.ldb + p : p * s.ldb + j];
      }
      c[i * s.ldc + j] = sum;
    }
  }
}

}  // namespace

void gemm_eigen(const GemmShape& s, const Real* a, const Real* b, Real* c) {
  if (s.m == 0 || s.n == 0) return;
  Map out(c, s.m, s.n, Eigen::OuterStride<>(s.ldc));
  if (s.k == 0) {
    out.setZero();
    return;
  }
  if (s.m + s.n + s.k < kSmall) return gemm_small(s, a, b, c);
  const bool ta = s.transpose_a == Transpose::yes;
  const bool tb = s.transpose_b == Transpose::yes;
  const ConstMap x(a, ta ? s.k : s.m, ta ? s.m : s.k, Eigen::OuterStride<>(s.lda));
  const ConstMap y(b, tb ? s.n : s.k, tb ? s.k : s.n, Eigen::OuterStride<>(s.ldb));
  if (ta && tb) {
    out.noalias() = x.transpose() * y.transpose();
  } else if (ta) {
    out.noalias() = x.transpose() * y;
  } else if (tb) {
    out.noalias() = x * y.transpose();
  } else {
    out.noalias() = x * y;
  }
}

#if !defined(LOCKSTEP_HAS_ONEDNN)

#define LOCKSTEP_TEXT(x) #x
#define LOCKSTEP_VERSION_TEXT(a, b, c) LOCKSTEP_TEXT(a) "." LOCKSTEP_TEXT(b) "." LOCKSTEP_TEXT(c)

bool has_onednn() { return false; }

std::string_view gemm_name() {
  return "Eigen " LOCKSTEP_VERSION_TEXT(EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION,
                                        EIGEN_MINOR_VERSION);
}

#ifndef LOCKSTEP_DOUBLE
void gemm_onednn(const GemmShape& s, const Real* a, const Real* b, Real* c) {
  gemm_eigen(s, a, b, c);
}
#endif

#endif

}  // namespace lockstep::kernels
