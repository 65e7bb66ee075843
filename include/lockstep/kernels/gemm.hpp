#pragma once

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

/// C = op(A) op(B) by another library, computed by the calling thread: what our kernels are checked
/// against and measured beside. m, n or k of 0 is allowed; k = 0 sets C to zero.
using Gemm = void(const GemmShape&, const Real* a, const Real* b, Real* c);

Gemm gemm_eigen;
/// Precondition: has_onednn().
Gemm gemm_onednn;
/// True if this build found oneDNN.
[[nodiscard]] bool has_onednn();

}  // namespace lockstep::kernels
