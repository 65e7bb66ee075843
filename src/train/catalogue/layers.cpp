#include "lockstep/nn/layers.hpp"
#include "train/catalogue/rows.hpp"

namespace lockstep {
namespace {

using config::Key;
using config::Kind;
using config::Settings;

Initializer::Kind initializer_of(const Settings& s) {
  const std::string& name = s.text("init");
  if (name == "he_uniform") return Initializer::Kind::he_uniform;
  if (name == "xavier_normal") return Initializer::Kind::xavier_normal;
  if (name == "xavier_uniform") return Initializer::Kind::xavier_uniform;
  return Initializer::Kind::he_normal;
}

const Key kInit{.name = "init",
                .kind = Kind::choice,
                .default_value = "\"he_normal\"",
                .choices = {"he_normal", "he_uniform", "xavier_normal", "xavier_uniform"},
                .sentence = "Distribution of the initial weights; biases start at 0."};

}  // namespace

const std::vector<Row<Layer>>& layer_rows() {
  static const std::vector<Row<Layer>> rows{
      {{"linear",
        "Fully connected: y = x W + b.",
        {{.name = "out",
          .kind = Kind::integer,
          .required = true,
          .min = 1,
          .max = 1 << 24,
          .choices = {"vocab"},
          .sentence = "Number of outputs; vocab: one for each symbol of the text."},
         {.name = "bias",
          .kind = Kind::boolean,
          .default_value = "true",
          .sentence = "Whether a bias is learned."},
         kInit}},
       [](const Settings& s) {
         return linear(s.integer("out"), {.bias = s.boolean("bias"), .weights = initializer_of(s)});
       }},
      {{"flatten", "Turns an image or sequence into one vector."},
       [](const Settings&) { return flatten(); }},
      {{"relu", "y = max(x, 0)."}, [](const Settings&) { return relu(); }},
      {{"tanh", "y = tanh(x)."}, [](const Settings&) { return lockstep::tanh(); }},
      {{"sigmoid", "y = 1 / (1 + exp(-x))."}, [](const Settings&) { return sigmoid(); }},
      {{"gelu", "y = x times the normal distribution function of x."},
       [](const Settings&) { return gelu(); }},
  };
  return rows;
}

}  // namespace lockstep
