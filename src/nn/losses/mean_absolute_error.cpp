#include "nn/losses/error_loss.hpp"

namespace lockstep {
namespace {

struct AbsoluteError {
  static constexpr std::string_view kType = "mae";
  static constexpr double kFactor = 1;
  [[nodiscard]] double value(double e) const { return std::fabs(e); }
  [[nodiscard]] Real slope(Real e) const {
    return static_cast<Real>(e > 0 ? 1 : 0) - static_cast<Real>(e < 0 ? 1 : 0);
  }
};

}  // namespace

std::unique_ptr<Loss> mean_absolute_error() { return std::make_unique<ErrorLoss<AbsoluteError>>(); }

}  // namespace lockstep
