#include "optim/option_checks.hpp"

#include <cmath>
#include <string>

#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

void check(bool right, std::string_view rule, std::string_view option, std::string_view range,
           double value, std::string_view remedy) {
  if (right) return;
  throw Error(ExitCode::config, std::string(rule) + ": " + std::string(option) + " must be " +
                                    std::string(range) + ", found " + std::to_string(value) + "; " +
                                    std::string(remedy));
}

}  // namespace

void check_share(std::string_view rule, std::string_view option, double value,
                 std::string_view usual) {
  check(value >= 0 && value < 1, rule, option, "in [0, 1)", value,
        std::string(usual) + " is usual");
}

void check_positive(std::string_view rule, std::string_view option, double value,
                    std::string_view usual) {
  check(value > 0 && std::isfinite(value), rule, option, "above 0 and finite", value,
        std::string(usual) + " is usual");
}

void check_weight_decay(std::string_view rule, double value) {
  check(value >= 0 && std::isfinite(value), rule, "weight_decay", "at least 0 and finite", value,
        "0 switches it off");
}

}  // namespace lockstep
