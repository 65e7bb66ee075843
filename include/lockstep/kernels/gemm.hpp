#pragma once

#include <string_view>

#include "lockstep/base/types.hpp"

namespace lockstep::kernels {

enum class Transpose : bool { no, yes };

/// The shape of one product C = op(A) op(B): op(A) is m x k, op(B) is k x n, C is m x n. All are
/// row-major; the leading dimensions are the distances between the rows as stored.
struct GemmShape {
  Transpose transpose_a = Transpose::no;
  Transpose transpose_b = Transpose::no;
  Index m = 0, n = 0, k = 0;
  Index lda = 0, ldb = 0, ldc = 0;
};

/// C = op(A) op(B), computed by the calling thread alone, so that its bits are a function of the
/// arguments. To be called from within parallel_for only. m, n or k of 0 is allowed; k = 0 sets C
/// to zero.
using Gemm = void(const GemmShape&, const Real* a, const Real* b, Real* c);

/// The form this build uses: oneDNN's when it was found (float only), else Eigen's.
Gemm gemm;
/// The plain form, always there: the reference of the tests, and the only one in double precision.
Gemm gemm_eigen;
#ifndef LOCKSTEP_DOUBLE
/// oneDNN's form. Precondition: `has_onednn()`.
Gemm gemm_onednn;
#endif

[[nodiscard]] bool has_onednn();

/// The library behind `gemm` with its version as running, for people: "oneDNN 2.6.3" or
/// "Eigen 3.4.0".
[[nodiscard]] std::string_view gemm_name();

}  // namespace lockstep::kernels
