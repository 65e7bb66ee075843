#include "lockstep/nn/layers.hpp"
#include "nn/elementwise.hpp"

namespace lockstep {
namespace {

/// y = x Phi(x), dx = dy (Phi(x) + x phi(x)).
struct Gelu {
  static constexpr std::string_view kType = "gelu";
  static Real value(Real x) { return elementary::gelu(x); }
  static elementary::ValueAndSlope with_slope(Real x) { return elementary::gelu_with_slope(x); }
};

}  // namespace

std::unique_ptr<Layer> gelu() { return std::make_unique<SavedSlope<Gelu>>(); }

}  // namespace lockstep
