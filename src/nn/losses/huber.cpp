#include "lockstep/base/error.hpp"
#include "nn/losses/error_loss.hpp"

namespace lockstep {
namespace {

struct HuberError {
  static constexpr std::string_view kType = "huber";
  static constexpr double kFactor = 1;

  [[nodiscard]] double value(double e) const {
    const double a = std::fabs(e);
    const auto d = static_cast<double>(delta);
    return a > d ? d * (a - d / 2) : e * e / 2;
  }
  [[nodiscard]] Real slope(Real e) const {
    const Real below = e < -delta ? -delta : e;
    return below > delta ? delta : below;
  }

  Real delta = 1;
};

}  // namespace

std::unique_ptr<Loss> huber(Real delta) {
  if (!(delta > 0)) throw Error(ExitCode::config, "huber needs a 'delta' above 0");
  return std::make_unique<ErrorLoss<HuberError>>(HuberError{delta});
}

}  // namespace lockstep
