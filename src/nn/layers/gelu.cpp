#include "lockstep/nn/layers.hpp"
#include "nn/elementary.hpp"
#include "nn/elementwise.hpp"

namespace lockstep {
namespace {

/// y = x Phi(x), dx = dy (Phi(x) + x phi(x)).
struct Gelu {
  static constexpr std::string_view kType = "gelu";
  static constexpr bool kInPlace = false;
  static Real value(Real x) { return elementary::gelu(x); }
  static Real gradient(Real x, Real /*y*/, Real dy) { return dy * elementary::gelu_slope(x); }
};

}  // namespace

std::unique_ptr<Layer> gelu() { return std::make_unique<Elementwise<Gelu>>(); }

}  // namespace lockstep
