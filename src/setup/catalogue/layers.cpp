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
           .sentence = "Size of the hidden state and of the output at each position."},
          {.name = "last",
           .kind = Kind::boolean,
           .default_value = "false",
           .sentence = "Output the last position only."},
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
                .sentence = "Add a learned bias."};

const Key kEpsilon{.name = "epsilon",
                   .kind = Kind::real,
                   .default_value = "1e-5",
                   .min = 0,
                   .min_exclusive = true,
                   .sentence = "Added to the variance for numerical stability."};

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
                  .sentence = "Stride of the window."};
const Key kDilation{.name = "dilation",
                    .kind = Kind::integer,
                    .default_value = "1",
                    .min = 1,
                    .max = kLargestWindow,
                    .unit = "places",
                    .sentence = "Spacing between the elements of the kernel."};
const Key kPad{.name = "pad",
               .kind = Kind::index_or_text,
               .default_value = "\"same\"",
               .sentence =
                   "Zero padding on each side: a number, \"same\" (output size is input size / "
                   "stride, rounded up) or \"valid\" (none)."};
const Key kGroups{.name = "groups",
                  .kind = Kind::integer,
                  .default_value = "1",
                  .min = 1,
                  .max = 1 << 24,
                  .sentence =
                      "Number of groups of channels that are convolved separately; as many as "
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
                      .sentence = "Stride of the window; by default the size of the window."};
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
        {symbols_key("out", "Number of outputs; vocab: size of the vocabulary of the text."), kBias,
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
      {{"max_pool2d", "Max pooling over height and width.", {kPoolKernel, kPoolStride, kPoolPad}},
       [](const Settings& s) { return max_pool2d(pool_options(s)); }},
      {{"max_pool1d",
        "Max pooling over the positions of a sequence.",
        {kPoolKernel, kPoolStride, kPoolPad}},
       [](const Settings& s) { return max_pool1d(pool_options(s)); }},
      {{"avg_pool2d",
        "Average pooling over height and width.",
        {kPoolKernel, kPoolStride, kPoolPad}},
       [](const Settings& s) { return avg_pool2d(pool_options(s)); }},
      {{"avg_pool1d",
        "Average pooling over the positions of a sequence.",
        {kPoolKernel, kPoolStride, kPoolPad}},
       [](const Settings& s) { return avg_pool1d(pool_options(s)); }},
      {{"global_avg_pool", "Average of each channel over all positions."},
       [](const Settings&) { return global_avg_pool(); }},
      {{"batch_norm",
        "Normalizes each channel over the samples and positions of a microbatch.",
        {{.name = "momentum",
          .kind = Kind::real,
          .default_value = "0.1",
          .min = 0,
          .max = 1,
          .min_exclusive = true,
          .sentence = "Weight of the new value in the running mean and variance."},
         {.name = "epsilon",
          .kind = Kind::real,
          .default_value = "1e-5",
          .min = 0,
          .min_exclusive = true,
          .sentence = "Added to the variance for numerical stability."}}},
       [](const Settings& s) {
         return batch_norm({.momentum = s.real("momentum"), .epsilon = s.real("epsilon")});
       }},
      {{"flatten", "Flattens an image or sequence into a vector."},
       [](const Settings&) { return flatten(); }},
      {{"relu", "y = max(x, 0)."}, [](const Settings&) { return relu(); }},
      {{"tanh", "y = tanh(x)."}, [](const Settings&) { return lockstep::tanh(); }},
      {{"sigmoid", "y = 1 / (1 + exp(-x))."}, [](const Settings&) { return sigmoid(); }},
      {{"gelu", "y = x Phi(x), Phi the standard normal distribution function."},
       [](const Settings&) { return gelu(); }},
      {{"leaky_relu",
        "y = x for x > 0, slope x otherwise.",
        {{.name = "slope",
          .kind = Kind::real,
          .default_value = "0.01",
          .min = 0,
          .sentence = "Slope for negative x."}}},
       [](const Settings& s) { return leaky_relu(static_cast<Real>(s.real("slope"))); }},
      {{"elu",
        "y = x for x > 0, alpha (exp(x) - 1) otherwise.",
        {{.name = "alpha",
          .kind = Kind::real,
          .default_value = "1.0",
          .min = 0,
          .min_exclusive = true,
          .sentence = "y approaches -alpha for large negative x."}}},
       [](const Settings& s) { return elu(static_cast<Real>(s.real("alpha"))); }},
      {{"silu", "y = x / (1 + exp(-x))."}, [](const Settings&) { return silu(); }},
      {{"softmax", "Softmax over the channels of each position: y = exp(x) / sum of exp(x)."},
       [](const Settings&) { return softmax(); }},
      {{"dropout",
        "During training, zeroes random elements and scales the others by 1 / (1 - rate).",
        {{.name = "rate",
          .kind = Kind::real,
          .required = true,
          .min = 0,
          .max = 1,
          .max_exclusive = true,
          .sentence = "Probability that an element is zeroed."}}},
       [](const Settings& s) { return dropout(s.real("rate")); }},
      {{"layer_norm",
        "Normalizes the channels of each position to mean 0 and variance 1, then scales and "
        "shifts.",
        {kEpsilon}},
       [](const Settings& s) { return layer_norm(s.real("epsilon")); }},
      {{"rms_norm",
        "Normalizes the channels of each position to root mean square 1, then scales.",
        {kEpsilon}},
       [](const Settings& s) { return rms_norm(s.real("epsilon")); }},
      {{"group_norm",
        "Normalizes each group of channels of a sample to mean 0 and variance 1, then scales and "
        "shifts.",
        {{.name = "groups",
          .kind = Kind::integer,
          .required = true,
          .min = 1,
          .max = 1 << 24,
          .sentence = "Number of groups; it must divide the channels."},
         kEpsilon}},
       [](const Settings& s) { return group_norm(s.integer("groups"), s.real("epsilon")); }},
      {{"sum",
        "Adds the outputs of two or more layers of the same shape, listed in 'from': a residual "
        "connection."},
       [](const Settings&) { return sum(); }},
      {{"concat", "Concatenates the channels of two or more layers, listed in 'from'."},
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
          .sentence = "Mask later positions: each attends to itself and earlier ones only."},
         {.name = "bias",
          .kind = Kind::boolean,
          .default_value = "true",
          .sentence = "Add learned biases to the input and output projections."},
         init_key("xavier_uniform")}},
       [](const Settings& s) {
         return attention({.heads = s.integer("heads"),
                           .causal = s.boolean("causal"),
                           .bias = s.boolean("bias"),
                           .weights = initializer_of(s)});
       }},
      {{"embedding",
        "A learned vector for each symbol of a sequence.",
        {symbols_key("symbols",
                     "Number of symbols: inputs are whole numbers from 0 to symbols - 1; vocab: "
                     "size of the vocabulary of the text."),
         {.name = "dim",
          .kind = Kind::integer,
          .required = true,
          .min = 1,
          .max = 1 << 24,
          .sentence = "Size of the vectors."},
         {.name = "positions",
          .kind = Kind::choice,
          .default_value = "\"none\"",
          .choices = {"none", "learned", "sinusoidal"},
          .sentence = "Positional encoding added to the vectors."},
         {.name = "deviation",
          .kind = Kind::real,
          .default_value = "1.0",
          .min = 0,
          .sentence = "Standard deviation of the initial vectors."}}},
       [](const Settings& s) {
         return embedding({.symbols = s.integer("symbols"),
                           .dim = s.integer("dim"),
                           .positions = positions_of(s),
                           .deviation = static_cast<Real>(s.real("deviation"))});
       }},
      {{"lstm", "Long short-term memory (LSTM) over the positions of a sequence.",
        recurrent_keys()},
       [](const Settings& s) { return lstm(s.integer("units"), recurrent_options(s)); }},
      {{"gru", "Gated recurrent unit (GRU) over the positions of a sequence.", recurrent_keys()},
       [](const Settings& s) { return gru(s.integer("units"), recurrent_options(s)); }},
  };
  return rows;
}

}  // namespace lockstep
