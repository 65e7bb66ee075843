#include <string>

#include "lockstep/base/error.hpp"
#include "lockstep/nn/layers.hpp"
#include "nn/elementwise.hpp"

namespace lockstep {
namespace {

/// y = x or slope x, dx = dy or slope dy: the sign of y is that of x.
struct LeakyRelu {
  static constexpr std::string_view kType = "leaky_relu";
  Real slope = 0;
  Real value(Real x) const { return x * slope_at(x); }
  Real gradient(Real y, Real dy) const { return dy * slope_at(y); }
  // A choice between numbers, not between products: then the loop is vectorised.
  [[nodiscard]] Real slope_at(Real x) const { return x > 0 ? Real{1} : slope; }
};

}  // namespace

std::unique_ptr<Layer> leaky_relu(Real slope) {
  if (!(slope >= 0)) {
    throw Error(ExitCode::config, "leaky_relu: slope must be at least 0, found " +
                                      std::to_string(slope) + "; such as 0.01");
  }
  return std::make_unique<Elementwise<LeakyRelu>>(LeakyRelu{slope});
}

}  // namespace lockstep
