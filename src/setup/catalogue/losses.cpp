#include <algorithm>

#include "setup/catalogue/rows.hpp"

namespace lockstep {
namespace {

using config::Kind;
using config::Settings;

// "balanced" weights stand here as numbers once the training data is known.
std::vector<Real> class_weights_of(const Settings& s) {
  const auto* numbers = std::get_if<std::vector<double>>(&s.entry("class_weights").value);
  if (numbers != nullptr && *std::ranges::max_element(*numbers) == 0) {
    throw s.error("class_weights", "'class_weights' must have a number above 0");
  }
  return numbers == nullptr ? std::vector<Real>{}
                            : std::vector<Real>(numbers->begin(), numbers->end());
}

}  // namespace

const std::vector<Row<Loss>>& loss_rows() {
  static const std::vector<Row<Loss>> rows{
      {{"cross_entropy",
        "Softmax cross-entropy of class labels; metrics acc, topK and for sequences perplexity.",
        {{.name = "label_smoothing",
          .kind = Kind::real,
          .default_value = "0.0",
          .min = 0,
          .max = 1,
          .max_exclusive = true,
          .sentence = "Fraction of each target that is spread evenly over all classes."},
         {.name = "class_weights",
          .kind = Kind::reals_or_choice,
          .min = 0,
          .choices = {"balanced"},
          .sentence = "Weight of each class in the loss, in label order; balanced: inversely "
                      "proportional to its frequency in the training samples."},
         {.name = "top_k",
          .kind = Kind::integer,
          .default_value = "0",
          .min = 0,
          .sentence = "Also report top-K accuracy, as metric top5 for 5; 0: off."}}},
       [](const Settings& s) {
         return cross_entropy({.label_smoothing = static_cast<Real>(s.real("label_smoothing")),
                               .class_weights = class_weights_of(s),
                               .top_k = s.integer("top_k")});
       }},
      {{"mse", "Mean squared error; metrics rmse, mae and r2."},
       [](const Settings&) { return mean_squared_error(); }},
      {{"mae", "Mean absolute error; metrics rmse, mae and r2."},
       [](const Settings&) { return mean_absolute_error(); }},
      {{"huber",
        "Huber loss: quadratic for errors up to delta, linear beyond; metrics rmse, mae and r2.",
        {{.name = "delta",
          .kind = Kind::real,
          .default_value = "1.0",
          .min = 0,
          .min_exclusive = true,
          .sentence = "Error at which the loss changes from quadratic to linear."}}},
       [](const Settings& s) { return huber(static_cast<Real>(s.real("delta"))); }},
      {{"binary_cross_entropy",
        "Sigmoid cross-entropy of each output: outputs are logits, targets from 0 to 1; metric "
        "acc."},
       [](const Settings&) { return binary_cross_entropy(); }},
  };
  return rows;
}

}  // namespace lockstep
