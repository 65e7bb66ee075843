#include <string>

#include "lockstep/base/error.hpp"
#include "lockstep/nn/layers.hpp"
#include "nn/elementary.hpp"
#include "nn/elementwise.hpp"

namespace lockstep {
namespace {

/// y = x or alpha (exp(x) - 1), dx = dy or dy (y + alpha): the sign of y is that of x.
struct Elu {
  static constexpr std::string_view kType = "elu";
  Real alpha = 1;
  Real value(Real x) const {
    // exp(x) - 1 = 2 t / (1 - t), t = tanh(x / 2), loses no digits near 0.
    const Real t = elementary::tanh(x / 2);
    return x > 0 ? x : alpha * (2 * t / (1 - t));
  }
  Real gradient(Real y, Real dy) const { return dy * (y > 0 ? Real{1} : y + alpha); }
};

}  // namespace

std::unique_ptr<Layer> elu(Real alpha) {
  if (!(alpha > 0)) {
    throw Error(ExitCode::config,
                "elu: alpha must be above 0, found " + std::to_string(alpha) + "; such as 1");
  }
  return std::make_unique<Elementwise<Elu>>(Elu{alpha});
}

}  // namespace lockstep
