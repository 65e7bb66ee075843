#include "lockstep/nn/layers.hpp"
#include "nn/elementary.hpp"
#include "nn/elementwise.hpp"

namespace lockstep {
namespace {

/// y = tanh(x), dx = dy (1 - y^2).
struct Tanh {
  static constexpr std::string_view kType = "tanh";
  static Real value(Real x) { return elementary::tanh(x); }
  static Real gradient(Real y, Real dy) { return dy * (1 - y * y); }
};

}  // namespace

std::unique_ptr<Layer> tanh() { return std::make_unique<Elementwise<Tanh>>(); }

}  // namespace lockstep
