#include <string>

#include "train/catalogue/rows.hpp"

namespace lockstep {
using config::Key;
using config::Kind;
using config::Settings;

const std::vector<Row<Optimizer>>& optimizer_rows() {
  static const std::vector<Row<Optimizer>> rows{
      {{"sgd",
        "Gradient descent, with momentum and Nesterov's variant; the same rule as PyTorch's SGD.",
        {{.name = "momentum",
          .kind = Kind::real,
          .default_value = "0.0",
          .min = 0,
          .max = 1,
          .max_exclusive = true,
          .sentence = "Share of the previous update that is kept."},
         {.name = "nesterov",
          .kind = Kind::boolean,
          .default_value = "false",
          .sentence = "Looks one momentum step ahead; needs momentum."}}},
       [](const Settings& s) {
         if (s.boolean("nesterov") && s.real("momentum") == 0) {
           throw s.error("nesterov", "'nesterov' needs 'momentum' above 0");
         }
         return sgd({.momentum = s.real("momentum"),
                     .nesterov = s.boolean("nesterov"),
                     .weight_decay = s.real("weight_decay")});
       }},
      {{"adamw",
        "Adam with decoupled weight decay; the same rule as PyTorch's AdamW.",
        {{.name = "betas",
          .kind = Kind::reals,
          .default_value = "[0.9, 0.999]",
          .min = 0,
          .max = 1,
          .max_exclusive = true,
          .sentence = "Decay of the averages of the gradient and of its square."},
         {.name = "epsilon",
          .kind = Kind::real,
          .default_value = "1e-8",
          .min = 0,
          .min_exclusive = true,
          .sentence = "Added to the root of the second average."}}},
       [](const Settings& s) {
         const std::vector<double>& betas = s.reals("betas");
         if (betas.size() != 2) {
           throw s.error("betas",
                         "'betas' must have 2 numbers, has " + std::to_string(betas.size()));
         }
         return adamw({.beta1 = betas[0],
                       .beta2 = betas[1],
                       .epsilon = s.real("epsilon"),
                       .weight_decay = s.real("weight_decay")});
       }},
  };
  return rows;
}

}  // namespace lockstep
