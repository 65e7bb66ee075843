#include <string>

#include "setup/catalogue/rows.hpp"

namespace lockstep {
using config::Key;
using config::Kind;
using config::Settings;

namespace {

const Key kMomentum{.name = "momentum",
                    .kind = Kind::real,
                    .default_value = "0.0",
                    .min = 0,
                    .max = 1,
                    .max_exclusive = true,
                    .sentence = "Momentum coefficient."};
const Key kBetas{.name = "betas",
                 .kind = Kind::reals,
                 .default_value = "[0.9, 0.999]",
                 .min = 0,
                 .max = 1,
                 .max_exclusive = true,
                 .sentence = "Decay rates of the moving averages of the gradient and its square."};

Key epsilon(const char* usual, const char* sentence) {
  return {.name = "epsilon",
          .kind = Kind::real,
          .default_value = usual,
          .min = 0,
          .min_exclusive = true,
          .sentence = sentence};
}

template <typename Options>
Options adam_options(const Settings& s) {
  const std::vector<double>& betas = s.reals("betas");
  if (betas.size() != 2) {
    throw s.error("betas", "'betas' must have 2 numbers, has " + std::to_string(betas.size()));
  }
  return {.beta1 = betas[0],
          .beta2 = betas[1],
          .epsilon = s.real("epsilon"),
          .weight_decay = s.real("weight_decay")};
}

}  // namespace

const std::vector<Row<Optimizer>>& optimizer_rows() {
  static const std::vector<Row<Optimizer>> rows{
      {{"sgd",
        "Stochastic gradient descent with optional momentum; the same rule as PyTorch's SGD.",
        {kMomentum,
         {.name = "nesterov",
          .kind = Kind::boolean,
          .default_value = "false",
          .sentence = "Use Nesterov momentum; requires momentum."}}},
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
        {kBetas, epsilon("1e-8", "Added to the denominator for numerical stability.")}},
       [](const Settings& s) { return adamw(adam_options<AdamWOptions>(s)); }},
      {{"adam",
        "Adam with weight decay added to the gradient (L2 penalty); the same rule as PyTorch's "
        "Adam.",
        {kBetas, epsilon("1e-8", "Added to the denominator for numerical stability.")}},
       [](const Settings& s) { return adam(adam_options<AdamOptions>(s)); }},
      {{"rmsprop",
        "Gradient divided by the root of its running mean square; the same rule as PyTorch's "
        "RMSprop.",
        {{.name = "alpha",
          .kind = Kind::real,
          .default_value = "0.99",
          .min = 0,
          .max = 1,
          .max_exclusive = true,
          .sentence = "Decay rate of the moving average of the squared gradient."},
         kMomentum,
         epsilon("1e-8", "Added to the denominator for numerical stability.")}},
       [](const Settings& s) {
         return rmsprop({.alpha = s.real("alpha"),
                         .momentum = s.real("momentum"),
                         .epsilon = s.real("epsilon"),
                         .weight_decay = s.real("weight_decay")});
       }},
      {{"adagrad",
        "Gradient divided by the root of the sum of its squares; the same rule as PyTorch's "
        "Adagrad.",
        {epsilon("1e-10", "Added to the denominator for numerical stability.")}},
       [](const Settings& s) {
         return adagrad({.epsilon = s.real("epsilon"), .weight_decay = s.real("weight_decay")});
       }},
      {{"lars",
        "LARS: momentum SGD with a learning rate adapted to each layer, for large batches.",
        {{.name = "momentum",
          .kind = Kind::real,
          .default_value = "0.9",
          .min = 0,
          .max = 1,
          .max_exclusive = true,
          .sentence = "Momentum coefficient."},
         {.name = "trust",
          .kind = Kind::real,
          .default_value = "0.001",
          .min = 0,
          .min_exclusive = true,
          .sentence = "Trust coefficient: norm of an update relative to the norm of its weight, at "
                      "learning rate 1."}}},
       [](const Settings& s) {
         return lars({.trust = s.real("trust"),
                      .momentum = s.real("momentum"),
                      .weight_decay = s.real("weight_decay")});
       }},
      {{"lamb",
        "LAMB: Adam with updates scaled to lr times the norm of each weight, for large batches.",
        {kBetas, epsilon("1e-6", "Added to the denominator for numerical stability.")}},
       [](const Settings& s) { return lamb(adam_options<LambOptions>(s)); }},
  };
  return rows;
}

}  // namespace lockstep
