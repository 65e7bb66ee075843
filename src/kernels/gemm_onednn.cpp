#if defined(LOCKSTEP_HAS_ONEDNN) && !defined(LOCKSTEP_DOUBLE)

#include <dnnl.h>

#include <cassert>
#include <string>

#include "lockstep/kernels/gemm.hpp"

namespace lockstep::kernels {

bool has_onednn() { return true; }

std::string_view gemm_name() {
  static const std::string name = [] {
    const dnnl_version_t* v = dnnl_version();
    return "oneDNN " + std::to_string(v->major) + "." + std::to_string(v->minor) + "." +
           std::to_string(v->patch);
  }();
  return name;
}

void gemm_onednn(const GemmShape& s, const Real* a, const Real* b, Real* c) {
  if (s.m == 0 || s.n == 0) return;
  if (s.k == 0) {
    for (Index i = 0; i < s.m; ++i) {
      for (Index j = 0; j < s.n; ++j) c[i * s.ldc + j] = 0;
    }
    return;
  }
  // oneDNN takes the threads of its surroundings: one, within parallel_for.
  [[maybe_unused]] const dnnl_status_t status = dnnl_sgemm(
      s.transpose_a == Transpose::yes ? 'T' : 'N', s.transpose_b == Transpose::yes ? 'T' : 'N', s.m,
      s.n, s.k, 1.0f, a, s.lda, b, s.ldb, 0.0f, c, s.ldc);
  assert(status == dnnl_success);
}

}  // namespace lockstep::kernels

#endif
