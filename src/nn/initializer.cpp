#include <cassert>
#include <cmath>

#include "lockstep/base/parallel.hpp"
#include "lockstep/nn/layer.hpp"

namespace lockstep {
namespace {

// Calls draw(element) for each number, in double, and rounds once.
template <typename Draw>
void fill(std::span<Real> out, Index first, const Draw& draw) {
  parallel_for_tiles(static_cast<Index>(out.size()), kElementTile, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      out[static_cast<std::size_t>(i)] =
          static_cast<Real>(draw(static_cast<std::uint64_t>(first + i)));
    }
  });
}

void fill_normal(double variance, const RandomKey& key, std::span<Real> out, Index first) {
  const double deviation = std::sqrt(variance);
  fill(out, first, [&](std::uint64_t i) { return deviation * random_normal(key, i); });
}

// A uniform number in (-a, a) has variance a^2 / 3.
void fill_uniform(double variance, const RandomKey& key, std::span<Real> out, Index first) {
  const double a = std::sqrt(3 * variance);
  fill(out, first, [&](std::uint64_t i) { return a * (2 * random_uniform(key, i) - 1); });
}

}  // namespace

void initialize(const Initializer& initializer, const RandomKey& key, std::span<Real> out,
                Index first) {
  assert(initializer.fan_in >= 1 && initializer.fan_out >= 1);
  const auto fan_in = static_cast<double>(initializer.fan_in);
  const auto fan_out = static_cast<double>(initializer.fan_out);
  const double he = 2 / fan_in;
  const double xavier = 2 / (fan_in + fan_out);
  switch (initializer.kind) {
    case Initializer::Kind::constant:
      return fill(out, first, [&](std::uint64_t) { return initializer.value; });
    case Initializer::Kind::normal:
      return fill_normal(
          static_cast<double>(initializer.value) * static_cast<double>(initializer.value), key, out,
          first);
    case Initializer::Kind::he_normal:
      return fill_normal(he, key, out, first);
    case Initializer::Kind::he_uniform:
      return fill_uniform(he, key, out, first);
    case Initializer::Kind::xavier_normal:
      return fill_normal(xavier, key, out, first);
    case Initializer::Kind::xavier_uniform:
      return fill_uniform(xavier, key, out, first);
  }
}

}  // namespace lockstep
