#include "train/catalogue/rows.hpp"

namespace lockstep {

using config::Settings;

const std::vector<Row<Loss>>& loss_rows() {
  static const std::vector<Row<Loss>> rows{
      {{"cross_entropy", "Softmax cross-entropy of class labels; metric acc."},
       [](const Settings&) { return cross_entropy(); }},
      {{"mse", "Mean squared error of values; metrics rmse and r2."},
       [](const Settings&) { return mean_squared_error(); }},
  };
  return rows;
}

}  // namespace lockstep
