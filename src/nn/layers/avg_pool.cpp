#include "lockstep/nn/layers.hpp"
#include "nn/pooling.hpp"

namespace lockstep {
namespace {

struct Mean {
  static void start(Real* y, Index channels) { std::fill_n(y, channels, Real{0}); }
  static void see(const Real* x, Real* y, Index channels) {
    for (Index c = 0; c < channels; ++c) y[c] += x[c];
  }
  static void end(Real* y, Index channels, Real share) {
    for (Index c = 0; c < channels; ++c) y[c] *= share;
  }
  static void backward(const Real* /*x*/, const Real* /*y*/, Real* left, Real* dx, Index channels,
                       Real share) {
    for (Index c = 0; c < channels; ++c) dx[c] += left[c] * share;
  }
};

}  // namespace

std::unique_ptr<Layer> avg_pool2d(const PoolOptions& options) {
  return std::make_unique<Pooling<Mean>>("avg_pool2d", 2, options);
}

std::unique_ptr<Layer> avg_pool1d(const PoolOptions& options) {
  return std::make_unique<Pooling<Mean>>("avg_pool1d", 1, options);
}

}  // namespace lockstep
