#include "run/divergence.hpp"

#include <fmt/format.h>

#include <cmath>

namespace lockstep {
namespace {

std::string times_text(double factor) {
  return factor < 1e4 ? fmt::format("{:.3g} x", factor) : fmt::format("{:.0e} x", factor);
}

}  // namespace

std::string describe(const Divergence& divergence, const LossHistory& before) {
  constexpr double kRise = 2;  // more than that is no accident of one batch
  std::string what;
  if (divergence.updated) {
    what = fmt::format(
        "a parameter or the optimizer's state is not finite after step {}, which is not saved",
        divergence.step);
  } else if (!std::isfinite(divergence.loss)) {
    what = fmt::format("the loss of step {} is not finite", divergence.step);
  } else if (divergence.loss > divergence.loss_limit) {
    what = fmt::format("the loss of step {}, {:.4g}, is {} the usual {:.4g}", divergence.step,
                       divergence.loss, times_text(divergence.loss / divergence.usual_loss),
                       divergence.usual_loss);
  } else {
    what = fmt::format("the gradient of step {} is not finite", divergence.step);
  }
  std::string why;
  if (!before.empty()) {
    const LossHistory::Point lowest = before.lowest(), last = before.last();
    if (lowest.loss > 0 && last.loss > kRise * lowest.loss) {
      const std::uint64_t steps = last.step - lowest.step;
      why = fmt::format(
          "the learning rate is too large: the loss rose {} in {} step{}, from {:.4g} to "
          "{:.4g} at step {}; then ",
          times_text(last.loss / lowest.loss), steps, steps == 1 ? "" : "s", lowest.loss, last.loss,
          last.step);
    }
  }
  return fmt::format(
      "{}{}\n  the learning rate was {:.3g}; try --set optimizer.lr={:.3g}, or --set "
      "optimizer.clip_norm=1",
      why, what, divergence.learning_rate, divergence.base_rate / 10);
}

Remedy remedy_for(const config::Divergence& policy, const Progress& progress) {
  if (policy.action == "skip" && progress.skipped < policy.limit) return Remedy::skip;
  if (policy.action == "rollback" && progress.rollbacks < policy.limit) return Remedy::roll_back;
  return Remedy::stop;
}

}  // namespace lockstep
