#include "lockstep/nn/layers.hpp"
#include "nn/elementwise.hpp"

namespace lockstep {
namespace {

/// y = max(x, 0), dx = dy where y > 0. NaN stays NaN, so that divergence is seen.
struct Relu {
  static constexpr std::string_view kType = "relu";
  static Real value(Real x) { return x < 0 ? Real{0} : x; }
  static Real gradient(Real y, Real dy) { return y <= 0 ? Real{0} : dy; }
};

}  // namespace

std::unique_ptr<Layer> relu() { return std::make_unique<Elementwise<Relu>>(); }

}  // namespace lockstep
