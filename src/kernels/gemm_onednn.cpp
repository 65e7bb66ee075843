#include <cassert>

#include "lockstep/kernels/gemm.hpp"

#ifdef LOCKSTEP_HAS_ONEDNN
#include <dnnl.h>
#endif

namespace lockstep::kernels {

#ifdef LOCKSTEP_HAS_ONEDNN

bool has_onednn() { return true; }

void gemm_onednn(const GemmShape& s, const Real* a, const Real* b, Real* c) {
  if (s.m == 0 || s.n == 0) return;
  if (s.k == 0) {
    for (Index i = 0; i < s.m; ++i) {
      for (Index j = 0; j < s.n; ++j) c[i * s.ldc + j] = 0;
    }
    return;
  }
  [[maybe_unused]] const dnnl_status_t status = dnnl_sgemm(
      s.transpose_a == Transpose::yes ? 'T' : 'N', s.transpose_b == Transpose::yes ? 'T' : 'N', s.m,
      s.n, s.k, 1.0f, a, s.lda, b, s.ldb, 0.0f, c, s.ldc);
  assert(status == dnnl_success);
}

#else

bool has_onednn() { return false; }

void gemm_onednn(const GemmShape&, const Real*, const Real*, Real*) { assert(has_onednn()); }

#endif

}  // namespace lockstep::kernels
