#include <limits>

#include "lockstep/nn/layers.hpp"
#include "nn/pooling.hpp"

namespace lockstep {
namespace {

struct Max {
  static void start(Real* y, Index channels) {
    std::fill_n(y, channels, -std::numeric_limits<Real>::infinity());
  }
  static void see(const Real* x, Real* y, Index channels) {
    // NaN wins and stays, so that divergence is seen.
    for (Index c = 0; c < channels; ++c) y[c] = x[c] <= y[c] || y[c] != y[c] ? y[c] : x[c];
  }
  static void end(Real* /*y*/, Index /*channels*/, Real /*share*/) {}
  static void backward(const Real* x, const Real* y, Real* left, Real* dx, Index channels,
                       Real /*share*/) {
    for (Index c = 0; c < channels; ++c) {
      const bool largest = x[c] == y[c];
      dx[c] += largest ? left[c] : Real{0};
      left[c] = largest ? Real{0} : left[c];
    }
  }
};

}  // namespace

std::unique_ptr<Layer> max_pool2d(const PoolOptions& options) {
  return std::make_unique<Pooling<Max>>("max_pool2d", 2, options);
}

std::unique_ptr<Layer> max_pool1d(const PoolOptions& options) {
  return std::make_unique<Pooling<Max>>("max_pool1d", 1, options);
}

}  // namespace lockstep
