#include "lockstep/kernels/gemm.hpp"

#include <algorithm>

namespace lockstep::kernels {

void gemm(const GemmShape& s, const Real* a, const Real* b, Real* c) {
#ifndef LOCKSTEP_DOUBLE
  if (has_onednn()) return gemm_onednn(s, a, b, c);
#endif
  gemm_eigen(s, a, b, c);
}

}  // namespace lockstep::kernels
