#include "lockstep/nn/layers.hpp"
#include "nn/elementwise.hpp"

namespace lockstep {
namespace {

/// With s = sigmoid(x): y = x s, dx = dy s (1 + x (1 - s)).
struct Silu {
  static constexpr std::string_view kType = "silu";
  static Real value(Real x) { return x * elementary::sigmoid(x); }
  static elementary::ValueAndSlope with_slope(Real x) {
    const Real s = elementary::sigmoid(x);
    return {x * s, s * (1 + x * (1 - s))};
  }
};

}  // namespace

std::unique_ptr<Layer> silu() { return std::make_unique<SavedSlope<Silu>>(); }

}  // namespace lockstep
