#pragma once

#include <vector>

#include "lockstep/base/types.hpp"

namespace lockstep {

/// How the answers of each class were predicted: row by row, counts[label * classes + predicted].
struct ConfusionMatrix {
  Index classes = 0;
  std::vector<Index> counts{};

  [[nodiscard]] Index& at(Index label, Index predicted) {
    return counts[static_cast<std::size_t>(label * classes + predicted)];
  }
  [[nodiscard]] Index at(Index label, Index predicted) const {
    return counts[static_cast<std::size_t>(label * classes + predicted)];
  }
};

/// How well one class is told from the others. A figure without a denominator is NaN.
struct ClassFigures {
  Index samples = 0;     ///< with this label
  Index predicted = 0;   ///< taken for this class
  double precision = 0;  ///< right ones among those predicted
  double recall = 0;     ///< right ones among those with this label
  double f1 = 0;         ///< harmonic mean of the two
};

/// The figures of each class.
[[nodiscard]] std::vector<ClassFigures> class_figures(const ConfusionMatrix& matrix);

/// Precision, recall and F1 as means over the classes that have them; samples and predicted are
/// sums.
[[nodiscard]] ClassFigures mean_figures(const std::vector<ClassFigures>& classes);

}  // namespace lockstep
