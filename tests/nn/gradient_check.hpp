#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "lockstep/base/types.hpp"
#include "nn/layer_run.hpp"

namespace lockstep {

/// Step of the central differences: their error is about step^2 + rounding / step = 1e-10.
inline constexpr double kGradientStep = 1e-5;
inline constexpr double kGradientTolerance = 1e-7;

/// Expects that `analytic` is d f / d x by central differences, relative to `scale` or to the
/// derivative itself if that is larger. `x` is one number that `f` depends on; it is left as it
/// was.
inline void expect_derivative(const std::function<double()>& f, Real& x, double analytic,
                              const std::string& what, double scale = 1) {
  const Real before = x;
  x = static_cast<Real>(before + kGradientStep);
  const double above = f();
  x = static_cast<Real>(before - kGradientStep);
  const double below = f();
  x = before;
  const double numeric = (above - below) / (2 * kGradientStep);
  EXPECT_NEAR(analytic, numeric, kGradientTolerance * std::max(scale, std::fabs(numeric))) << what;
}

/// Checks every input and parameter derivative of a layer, or an even sample of about `most` of
/// each. f is the sum of the outputs, less their first values so that it stays small, times fixed
/// weights: its derivative by the output is known.
inline void check_layer_gradients(LayerRun& run, double kink, Index symbols, Index most = 60) {
  run.fill(kink, symbols);
  run.forward();
  const std::vector<Real> start(run.output().begin(), run.output().end());
  const auto f = [&] {
    run.forward();
    double sum = 0;
    for (std::size_t i = 0; i < start.size(); ++i) {
      sum += static_cast<double>(run.output_gradient()[i] * (run.output()[i] - start[i]));
    }
    return sum;
  };
  run.backward();
  for (std::size_t input = 0; input < run.input_count(); ++input) {
    const std::size_t size = run.input(input).size();
    for (std::size_t i = 0; i < size; i += 1 + size / static_cast<std::size_t>(most)) {
      expect_derivative(f, run.input(input)[i], run.input_gradient(input)[i],
                        "input " + std::to_string(input) + " at " + std::to_string(i));
    }
  }
  for (std::size_t p = 0; p < run.plan().parameters.size(); ++p) {
    const ParameterSpec& spec = run.plan().parameters[p];
    if (spec.role() == Role::statistic) continue;  // measured, not learned
    for (Index i = 0; i < spec.size(); i += 1 + spec.size() / most) {
      expect_derivative(f, run.parameter(p, i), run.gradient(p, i),
                        spec.name + " " + std::to_string(i));
    }
  }
}

}  // namespace lockstep
