#include "lockstep/nn/layers.hpp"

#include <optional>
#include <string>
#include <variant>

#include "setup/catalogue/rows.hpp"

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

const Key kOut{.name = "out",
               .kind = Kind::integer,
               .required = true,
               .min = 1,
               .max = 1 << 24,
               .sentence = "Number of outputs."};

// A number that may follow from the text that is learned.
Key symbols_key(const std::string& name, const std::string& sentence) {
  return {.name = name,
          .kind = Kind::integer,
          .required = true,
          .min = 1,
          .max = 1 << 24,
          .choices = {"vocab"},
          .sentence = sentence};
}

const Key kBias{.name = "bias",
                .kind = Kind::boolean,
                .default_value = "true",
                .sentence = "Whether a bias is learned."};

const Key kEpsilon{.name = "epsilon",
                   .kind = Kind::real,
                   .default_value = "1e-5",
                   .min = 0,
                   .min_exclusive = true,
                   .sentence = "Added to the variance before its root is taken."};

// -- Windows --------------------------------------------------------------------------------------

constexpr double kLargestWindow = 1 << 16;

const Key kKernel{.name = "kernel",
                  .kind = Kind::integer,
                  .required = true,
                  .min = 1,
                  .max = kLargestWindow,
                  .unit = "places",
                  .sentence = "Size of the window along each axis."};
const Key kStride{.name = "stride",
                  .kind = Kind::integer,
                  .default_value = "1",
                  .min = 1,
                  .max = kLargestWindow,
                  .unit = "places",
                  .sentence = "Distance from one window to the next."};
const Key kDilation{.name = "dilation",
                    .kind = Kind::integer,
                    .default_value = "1",
                    .min = 1,
                    .max = kLargestWindow,
                    .unit = "places",
                    .sentence = "Distance between neighbours in a window."};
const Key kPad{.name = "pad",
               .kind = Kind::index_or_text,
               .default_value = "\"same\"",
               .sentence =
                   "Zeros on each side: a number, \"same\" (as many outputs as inputs, over "
                   "the stride) or \"valid\" (none)."};
const Key kGroups{.name = "groups",
                  .kind = Kind::integer,
                  .default_value = "1",
                  .min = 1,
                  .max = 1 << 24,
                  .sentence =
                      "Equal parts of the channels that do not see each other; as many as "
                      "channels: depthwise."};
const Key kPoolKernel{.name = "kernel",
                      .kind = Kind::integer,
                      .default_value = "2",
                      .min = 1,
                      .max = kLargestWindow,
                      .unit = "places",
                      .sentence = "Size of the window along each axis."};
const Key kPoolStride{.name = "stride",
                      .kind = Kind::integer,
                      .min = 1,
                      .max = kLargestWindow,
                      .unit = "places",
                      .sentence = "Distance from one window to the next; the kernel if not given."};
const Key kPoolPad{.name = "pad",
                   .kind = Kind::integer,
                   .default_value = "0",
                   .min = 0,
                   .max = kLargestWindow,
                   .unit = "places",
                   .sentence = "Padding on each side."};

std::optional<Index> padding_of(const Settings& s) {
  const std::variant<Index, std::string> pad = s.index_or_text("pad");
  if (const Index* number = std::get_if<Index>(&pad)) {
    if (*number < 0) throw s.error("pad", "'pad' must be at least 0");
    return *number;
  }
  const std::string& word = std::get<std::string>(pad);
  if (word == "valid") return 0;
  if (word != "same") throw s.error("pad", "'pad' must be a number, \"same\" or \"valid\"");
  return {};
}

ConvOptions conv_options(const Settings& s) {
  return {.kernel = s.integer("kernel"),
          .stride = s.integer("stride"),
          .dilation = s.integer("dilation"),
          .padding = padding_of(s),
          .groups = s.integer("groups"),
          .bias = s.boolean("bias"),
          .weights = initializer_of(s)};
}

PoolOptions pool_options(const Settings& s) {
  PoolOptions options{.kernel = s.integer("kernel"), .padding = s.integer("pad")};
  if (s.has("stride")) options.stride = s.integer("stride");
  return options;
}

}  // namespace

const std::vector<Row<Layer>>& layer_rows() {
  static const std::vector<Row<Layer>> rows{
      {{"linear",
        "Fully connected: y = x W + b.",
        {symbols_key("out", "Number of outputs; vocab: one for each symbol of the text."), kBias,
         init_key("he_normal")}},
       [](const Settings& s) {
         return linear(s.integer("out"), {.bias = s.boolean("bias"), .weights = initializer_of(s)});
       }},
      {{"conv2d",
        "Convolution over height and width.",
        {kOut, kKernel, kStride, kDilation, kPad, kGroups, kBias, init_key("he_normal")}},
       [](const Settings& s) { return conv2d(s.integer("out"), conv_options(s)); }},
      {{"conv1d",
        "Convolution over the positions of a sequence.",
        {kOut, kKernel, kStride, kDilation, kPad, kGroups, kBias, init_key("he_normal")}},
       [](const Settings& s) { return conv1d(s.integer("out"), conv_options(s)); }},
      {{"max_pool2d", "The largest number of each window.", {kPoolKernel, kPoolStride, kPoolPad}},
       [](const Settings& s) { return max_pool2d(pool_options(s)); }},
      {{"max_pool1d",
        "The largest number of each window of a sequence.",
        {kPoolKernel, kPoolStride, kPoolPad}},
       [](const Settings& s) { return max_pool1d(pool_options(s)); }},
      {{"avg_pool2d", "The mean of each window.", {kPoolKernel, kPoolStride, kPoolPad}},
       [](const Settings& s) { return avg_pool2d(pool_options(s)); }},
      {{"avg_pool1d",
        "The mean of each window of a sequence.",
        {kPoolKernel, kPoolStride, kPoolPad}},
       [](const Settings& s) { return avg_pool1d(pool_options(s)); }},
      {{"global_avg_pool", "The mean over all positions, for each channel."},
       [](const Settings&) { return global_avg_pool(); }},
      {{"batch_norm",
        "Normalizes each channel over the samples and positions of a microbatch.",
        {{.name = "momentum",
          .kind = Kind::real,
          .default_value = "0.1",
          .min = 0,
          .max = 1,
          .min_exclusive = true,
          .sentence = "Fraction by which a step moves the running mean and variance."},
         {.name = "epsilon",
          .kind = Kind::real,
          .default_value = "1e-5",
          .min = 0,
          .min_exclusive = true,
          .sentence = "Added to the variance."}}},
       [](const Settings& s) {
         return batch_norm({.momentum = s.real("momentum"), .epsilon = s.real("epsilon")});
       }},
      {{"flatten", "Turns an image or sequence into one vector."},
       [](const Settings&) { return flatten(); }},
      {{"relu", "y = max(x, 0)."}, [](const Settings&) { return relu(); }},
      {{"tanh", "y = tanh(x)."}, [](const Settings&) { return lockstep::tanh(); }},
      {{"sigmoid", "y = 1 / (1 + exp(-x))."}, [](const Settings&) { return sigmoid(); }},
      {{"gelu", "y = x times the normal distribution function of x."},
       [](const Settings&) { return gelu(); }},
      {{"leaky_relu",
        "y = x above 0, slope x below.",
        {{.name = "slope",
          .kind = Kind::real,
          .default_value = "0.01",
          .min = 0,
          .sentence = "Slope of the negative side."}}},
       [](const Settings& s) { return leaky_relu(static_cast<Real>(s.real("slope"))); }},
      {{"elu",
        "y = x above 0, alpha (exp(x) - 1) below.",
        {{.name = "alpha",
          .kind = Kind::real,
          .default_value = "1.0",
          .min = 0,
          .min_exclusive = true,
          .sentence = "What y comes near to far below 0, but for its sign."}}},
       [](const Settings& s) { return elu(static_cast<Real>(s.real("alpha"))); }},
      {{"silu", "y = x / (1 + exp(-x))."}, [](const Settings&) { return silu(); }},
      {{"softmax", "Shares over the channels of each position: y = exp(x) / sum of exp(x)."},
       [](const Settings&) { return softmax(); }},
      {{"dropout",
        "In training, sets a random part of the numbers to 0 and enlarges the others.",
        {{.name = "rate",
          .kind = Kind::real,
          .required = true,
          .min = 0,
          .max = 1,
          .max_exclusive = true,
          .sentence = "Probability of each number to become 0."}}},
       [](const Settings& s) { return dropout(s.real("rate")); }},
      {{"layer_norm", "Mean 0 and deviation 1 over the channels of each position.", {kEpsilon}},
       [](const Settings& s) { return layer_norm(s.real("epsilon")); }},
      {{"rms_norm", "Root mean square 1 over the channels of each position.", {kEpsilon}},
       [](const Settings& s) { return rms_norm(s.real("epsilon")); }},
      {{"group_norm",
        "Mean 0 and deviation 1 over all positions and a group of channels of each sample.",
        {{.name = "groups",
          .kind = Kind::integer,
          .required = true,
          .min = 1,
          .max = 1 << 24,
          .sentence = "Equal parts of the channels that are normalized apart."},
         kEpsilon}},
       [](const Settings& s) { return group_norm(s.integer("groups"), s.real("epsilon")); }},
      {{"sum", "Adds two or more values of one shape, named by 'from': a residual connection."},
       [](const Settings&) { return sum(); }},
      {{"concat", "The channels of two or more values, named by 'from', one after the other."},
       [](const Settings&) { return concat(); }},
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
        {symbols_key(
             "symbols",
             "Number of symbols, inputs are whole numbers below it; vocab: those of the text."),
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
