#include "lockstep/nn/layers.hpp"
#include "nn/elementary.hpp"
#include "nn/elementwise.hpp"

namespace lockstep {
namespace {

/// y = 1 / (1 + exp(-x)), dx = dy y (1 - y).
struct Sigmoid {
  static constexpr std::string_view kType = "sigmoid";
  static Real value(Real x) { return elementary::sigmoid(x); }
  static Real gradient(Real y, Real dy) { return dy * (1 - y) * y; }
};

}  // namespace

std::unique_ptr<Layer> sigmoid() { return std::make_unique<Elementwise<Sigmoid>>(); }

}  // namespace lockstep
