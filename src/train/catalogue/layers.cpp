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

Key init_key(const std::string& default_name) {
  return {.name = "init",
          .kind = Kind::choice,
          .default_value = "\"" + default_name + "\"",
          .choices = {"he_normal", "he_uniform", "xavier_normal", "xavier_uniform"},
          .sentence = "Distribution of the initial weights; biases start at 0."};
}

// The keys of layers that hand a state from position to position.
std::vector<Key> recurrent_keys() {
  return {{.name = "units",
           .kind = Kind::integer,
           .required = true,
           .min = 1,
           .max = 1 << 20,
           .sentence = "Numbers of the state, and outputs of each position."},
          {.name = "last",
           .kind = Kind::boolean,
           .default_value = "false",
           .sentence = "Whether only the output of the last position is given on."},
          init_key("xavier_uniform")};
}

RecurrentOptions recurrent_options(const Settings& s) {
  return {.last = s.boolean("last"), .weights = initializer_of(s)};
}

Positions positions_of(const Settings& s) {
  const std::string& name = s.text("positions");
  if (name == "learned") return Positions::learned;
  return name == "sinusoidal" ? Positions::sinusoidal : Positions::none;
}

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
          .sentence = "Number of outputs."},
         {.name = "bias",
          .kind = Kind::boolean,
          .default_value = "true",
          .sentence = "Whether a bias is learned."},
         init_key("he_normal")}},
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
      {{"attention",
        "Multi-head self-attention over the positions of a sequence.",
        {{.name = "heads",
          .kind = Kind::integer,
          .required = true,
          .min = 1,
          .max = 1 << 16,
          .sentence = "Number of heads; it must divide the channels of the input."},
         {.name = "causal",
          .kind = Kind::boolean,
          .default_value = "false",
          .sentence = "Whether a position sees itself and earlier ones only."},
         {.name = "bias",
          .kind = Kind::boolean,
          .default_value = "true",
          .sentence = "Whether both projections learn a bias."},
         init_key("xavier_uniform")}},
       [](const Settings& s) {
         return attention({.heads = s.integer("heads"),
                           .causal = s.boolean("causal"),
                           .bias = s.boolean("bias"),
                           .weights = initializer_of(s)});
       }},
      {{"embedding",
        "A learned row for each symbol of a sequence of symbol numbers.",
        {{.name = "symbols",
          .kind = Kind::integer,
          .required = true,
          .min = 1,
          .max = 1 << 24,
          .sentence = "Number of symbols; inputs are whole numbers below it."},
         {.name = "dim",
          .kind = Kind::integer,
          .required = true,
          .min = 1,
          .max = 1 << 24,
          .sentence = "Numbers of a row."},
         {.name = "positions",
          .kind = Kind::choice,
          .default_value = "\"none\"",
          .choices = {"none", "learned", "sinusoidal"},
          .sentence = "What is added to tell positions apart."},
         {.name = "deviation",
          .kind = Kind::real,
          .default_value = "1.0",
          .min = 0,
          .sentence = "Standard deviation of the initial rows."}}},
       [](const Settings& s) {
         return embedding({.symbols = s.integer("symbols"),
                           .dim = s.integer("dim"),
                           .positions = positions_of(s),
                           .deviation = static_cast<Real>(s.real("deviation"))});
       }},
      {{"lstm", "Long short-term memory over the positions of a sequence.", recurrent_keys()},
       [](const Settings& s) { return lstm(s.integer("units"), recurrent_options(s)); }},
      {{"gru", "Gated recurrent units over the positions of a sequence.", recurrent_keys()},
       [](const Settings& s) { return gru(s.integer("units"), recurrent_options(s)); }},
  };
  return rows;
}

}  // namespace lockstep
