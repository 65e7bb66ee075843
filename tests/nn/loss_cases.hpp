#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lockstep/nn/loss.hpp"

namespace lockstep {

/// One row of the catalogue that all contract tests of losses walk through.
struct LossCase {
  std::string name;
  std::function<std::unique_ptr<Loss>(Index columns)> make;
  double kink = 0;  ///< errors stay this far from 0, where the slope jumps
};

/// Positive weights that differ.
inline std::vector<Real> test_class_weights(Index classes) {
  std::vector<Real> weights;
  for (Index c = 0; c < classes; ++c)
    weights.push_back(static_cast<Real>(0.5 + 0.25 * double(c % 5)));
  return weights;
}

inline std::vector<LossCase> loss_cases() {
  return {
      {"cross_entropy", [](Index) { return cross_entropy(); }},
      {"cross_entropy_of_everything",
       [](Index columns) {
         return cross_entropy({.label_smoothing = static_cast<Real>(0.2),
                               .class_weights = test_class_weights(columns),
                               .top_k = 2});
       }},
      {"label_smoothing",
       [](Index) { return cross_entropy({.label_smoothing = static_cast<Real>(0.1)}); }},
      {"mean_squared_error", [](Index) { return mean_squared_error(); }},
      {"mean_absolute_error", [](Index) { return mean_absolute_error(); }, 1e-3},
      {"huber", [](Index) { return huber(static_cast<Real>(0.3)); }},
      {"binary_cross_entropy", [](Index) { return binary_cross_entropy(); }},
  };
}

}  // namespace lockstep
