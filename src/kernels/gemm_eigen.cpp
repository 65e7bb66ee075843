#include <Eigen/Core>

#include "lockstep/kernels/gemm.hpp"

namespace lockstep::kernels {
namespace {

using RowMajor = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using ConstMap = Eigen::Map<const RowMajor, 0, Eigen::OuterStride<>>;
using Map = Eigen::Map<RowMajor, 0, Eigen::OuterStride<>>;

}  // namespace

void gemm_eigen(const GemmShape& s, const Real* a, const Real* b, Real* c) {
  if (s.m == 0 || s.n == 0) return;
  Map out(c, s.m, s.n, Eigen::OuterStride<>(s.ldc));
  if (s.k == 0) {
    out.setZero();
    return;
  }
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

}  // namespace lockstep::kernels
