#include "nn/losses/error_loss.hpp"

namespace lockstep {
namespace {

struct SquaredError {
  static constexpr std::string_view kType = "mse";
  static constexpr double kFactor = 2;
  [[nodiscard]] double value(double e) const { return e * e; }
  [[nodiscard]] Real slope(Real e) const { return e; }
};

}  // namespace

std::unique_ptr<Loss> mean_squared_error() { return std::make_unique<ErrorLoss<SquaredError>>(); }

}  // namespace lockstep
