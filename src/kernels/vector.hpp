#pragma once

#include <cmath>
#include <cstddef>
#include <utility>

#if defined(__AVX__) && defined(__FMA__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#include "kernels/tile.hpp"

// The compiler's vector types: the same lines serve every instruction set.

namespace lockstep::kernels {

using Vector [[gnu::vector_size(kVectorBytes)]] = Real;
using LooseVector [[gnu::vector_size(kVectorBytes), gnu::aligned(alignof(Real)), gnu::may_alias]] =
    Real;

[[gnu::always_inline]] inline Vector load(const Real* from) {
  return *reinterpret_cast<const LooseVector*>(from);
}

[[gnu::always_inline]] inline void store(Real* to, Vector value) {
  *reinterpret_cast<LooseVector*>(to) = value;
}

/// The number in every lane. Taking zero off keeps the sign of zero; adding it would not.
[[gnu::always_inline]] inline Vector broadcast(Real value) { return value - Vector{}; }

/// a * b + c with one rounding in every lane: said, not left to the compiler. Whether it contracts
/// a product and a sum is its choice, which it makes differently for different processors and
/// tiles.
[[gnu::always_inline]] inline Vector fused_multiply_add(Vector a, Vector b, Vector c) {
#if defined(__AVX512F__) && defined(LOCKSTEP_DOUBLE)
  return _mm512_fmadd_pd(a, b, c);
#elif defined(__AVX512F__)
  return _mm512_fmadd_ps(a, b, c);
#elif defined(__AVX__) && defined(__FMA__) && defined(LOCKSTEP_DOUBLE)
  return _mm256_fmadd_pd(a, b, c);
#elif defined(__AVX__) && defined(__FMA__)
  return _mm256_fmadd_ps(a, b, c);
#elif defined(__ARM_NEON) && defined(__ARM_FEATURE_FMA) && !defined(LOCKSTEP_DOUBLE)
  return vfmaq_f32(c, a, b);
#else
  for (Index lane = 0; lane < kLanes; ++lane) c[lane] = std::fma(a[lane], b[lane], c[lane]);
  return c;
#endif
}

/// Asks for the piece `part` of `parts` equal ones of `numbers` numbers, to lie in the second-level
/// cache when their turn comes.
inline void prefetch_piece(const Real* from, Index numbers, Index part, Index parts) {
  const Index begin = numbers * part / parts / kLanes * kLanes;
  const Index end = numbers * (part + 1) / parts;
  for (Index i = begin; i < end; i += kLanes) __builtin_prefetch(from + i, 0, 2);
}

/// Calls body(0), ..., body(kCount - 1) with constants: then an array of vectors becomes registers.
/// That holds only inlined, which compilers leave undone by themselves where bodies are long.
template <std::size_t kCount, typename Body>
[[gnu::always_inline]] inline void unrolled(const Body& body) {
  [&]<std::size_t... i>(std::index_sequence<i...>) __attribute__((always_inline)) {
    (body(std::integral_constant<std::size_t, i>{}), ...);
  }
  (std::make_index_sequence<kCount>{});
}

}  // namespace lockstep::kernels
