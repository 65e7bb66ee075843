#include "lockstep/train/confusion_matrix.hpp"

#include <cmath>
#include <limits>

namespace lockstep {
namespace {

double ratio(Index part, Index whole) {
  return whole == 0 ? std::numeric_limits<double>::quiet_NaN()
                    : static_cast<double>(part) / static_cast<double>(whole);
}

double mean_of(const std::vector<ClassFigures>& classes, double ClassFigures::*figure) {
  double sum = 0;
  double count = 0;
  for (const ClassFigures& c : classes) {
    if (std::isnan(c.*figure)) continue;
    sum += c.*figure;
    ++count;
  }
  return sum / count;
}

}  // namespace

std::vector<ClassFigures> class_figures(const ConfusionMatrix& matrix) {
  std::vector<ClassFigures> figures;
  for (Index c = 0; c < matrix.classes; ++c) {
    ClassFigures f;
    for (Index other = 0; other < matrix.classes; ++other) {
      f.samples += matrix.at(c, other);
      f.predicted += matrix.at(other, c);
    }
    const Index right = matrix.at(c, c);
    f.precision = ratio(right, f.predicted);
    f.recall = ratio(right, f.samples);
    f.f1 = ratio(2 * right, f.samples + f.predicted);
    figures.push_back(f);
  }
  return figures;
}

ClassFigures mean_figures(const std::vector<ClassFigures>& classes) {
  ClassFigures mean;
  for (const ClassFigures& c : classes) {
    mean.samples += c.samples;
    mean.predicted += c.predicted;
  }
  mean.precision = mean_of(classes, &ClassFigures::precision);
  mean.recall = mean_of(classes, &ClassFigures::recall);
  mean.f1 = mean_of(classes, &ClassFigures::f1);
  return mean;
}

}  // namespace lockstep
