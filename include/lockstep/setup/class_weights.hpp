#pragma once

#include <vector>

#include "lockstep/config/config.hpp"
#include "lockstep/train/samples.hpp"

namespace lockstep {

/// Weights under which every class counts alike: labels / (classes that occur * labels of the
/// class), of mean 1 over the labels; 1 for a class that does not occur.
/// Source: the heuristic "balanced" of scikit-learn, after King and Zeng 2001.
[[nodiscard]] std::vector<double> balanced_weights(const Samples& samples, Index classes);

/// Puts numbers in place of loss.class_weights = "balanced", so that the configuration in a
/// checkpoint says all that its loss needs; false if there is nothing to do. Labels are counted
/// over the training samples.
bool resolve_class_weights(const Samples& training, Shape output, config::Config& config);

}  // namespace lockstep
