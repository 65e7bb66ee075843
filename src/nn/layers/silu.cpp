#include "lockstep/nn/layers.hpp"
#include "nn/elementary.hpp"
#include "nn/elementwise.hpp"

namespace lockstep {
namespace {

/// With s = sigmoid(x): y = x s, dx = dy s (1 + x (1 - s)).
struct Silu {
  static constexpr std::string_view kType = "silu";
  static constexpr bool kInPlace = false;
  static Real value(Real x) { return x * elementary::sigmoid(x); }
  static Real gradient(Real x, Real /*y*/, Real dy) {
    const Real s = elementary::sigmoid(x);
    return dy * (s * (1 + x * (1 - s)));
  }
};

}  // namespace

std::unique_ptr<Layer> silu() { return std::make_unique<Elementwise<Silu>>(); }

}  // namespace lockstep
