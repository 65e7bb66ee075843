#include "lockstep/nn/layers.hpp"
#include "train/catalogue/block.hpp"

namespace lockstep {
namespace {

using config::Key;
using config::Kind;
using config::Settings;

std::unique_ptr<Layer> activation_of(const Settings& s) {
  const std::string& name = s.text("activation");
  if (name == "relu") return relu();
  return name == "silu" ? silu() : gelu();
}

Key activation_key(std::string default_value, std::string sentence) {
  return {.name = "activation",
          .kind = Kind::choice,
          .default_value = std::move(default_value),
          .choices = {"gelu", "relu", "silu"},
          .sentence = std::move(sentence)};
}

// -- Residual block -------------------------------------------------------------------------------

/// y = f(F(x) + x), F = conv 3x3, norm, f, conv 3x3, norm, f an activation; where the shape
/// changes, x goes through a convolution 1x1 and a norm. Only the first copy strides. Source: He,
/// Zhang, Ren, Sun 2015, arXiv 1512.03385.
Value residual_block(BlockCopy& block, const Settings& s, Value input) {
  const Index channels = s.integer("out");
  const Index stride = block.copy() == 0 ? s.integer("stride") : 1;
  const ConvOptions first{.stride = stride, .padding = 1, .bias = false};
  const ConvOptions second{.padding = 1, .bias = false};
  Value main = block.add("conv1", conv2d(channels, first), {input});
  main = block.add("bn1", batch_norm(), {main});
  main = block.add("activation1", activation_of(s), {main});
  main = block.add("conv2", conv2d(channels, second), {main});
  main = block.add("bn2", batch_norm(), {main});
  Value shortcut = input;
  if (stride != 1 || block.shape(input).channels != channels) {
    const ConvOptions project{.kernel = 1, .stride = stride, .padding = 0, .bias = false};
    shortcut = block.add("shortcut.0", conv2d(channels, project), {input});
    shortcut = block.add("shortcut.1", batch_norm(), {shortcut});
  }
  const Value joined = block.add("sum", sum(), {main, shortcut});
  return block.add("activation2", activation_of(s), {joined});
}

const Key kOut{.name = "out",
               .kind = Kind::integer,
               .required = true,
               .min = 1,
               .max = 1 << 24,
               .sentence = "Number of output channels."};
const Key kStride{.name = "stride",
                  .kind = Kind::integer,
                  .default_value = "1",
                  .min = 1,
                  .max = 1 << 16,
                  .unit = "places",
                  .sentence = "Stride of the first convolution of the first copy."};

// -- Transformer block ----------------------------------------------------------------------------

/// Dropout where there is a rate.
Value thinned(BlockCopy& block, std::string_view name, const Settings& s, Value value) {
  const double rate = s.real("dropout");
  return rate > 0 ? block.add(name, dropout(rate), {value}) : value;
}

/// y = x + F(x) for attention and then for two linear layers, with a norm before F (pre) or after
/// the sum (post). Layers and parameters have the names of torch.nn.TransformerEncoderLayer.
/// Source: Vaswani et al. 2017, arXiv 1706.03762; Xiong et al. 2020, arXiv 2002.04745.
Value transformer_block(BlockCopy& block, const Settings& s, Value input) {
  const bool before = s.text("norm") == "pre";
  const Index channels = block.shape(input).channels;
  const Index hidden = s.has("ffn") ? s.integer("ffn") : 4 * channels;

  Value x = input;
  Value part = before ? block.add("norm1", layer_norm(), {x}) : x;
  part = block.add("self_attn",
                   attention({.heads = s.integer("heads"), .causal = s.boolean("causal")}), {part});
  part = thinned(block, "dropout1", s, part);
  x = block.add("sum1", sum(), {part, x});
  if (!before) x = block.add("norm1", layer_norm(), {x});

  part = before ? block.add("norm2", layer_norm(), {x}) : x;
  part = block.add("linear1", linear(hidden), {part});
  part = block.add("activation", activation_of(s), {part});
  part = thinned(block, "dropout", s, part);
  part = block.add("linear2", linear(channels), {part});
  part = thinned(block, "dropout2", s, part);
  x = block.add("sum2", sum(), {part, x});
  return before ? x : block.add("norm2", layer_norm(), {x});
}

const std::vector<Key> kTransformerKeys{
    {.name = "heads",
     .kind = Kind::integer,
     .required = true,
     .min = 1,
     .max = 1 << 16,
     .sentence = "Heads of the attention; they divide the channels."},
    {.name = "ffn",
     .kind = Kind::integer,
     .min = 1,
     .max = 1 << 24,
     .sentence = "Channels between the two linear layers; 4 times the input's if not given."},
    activation_key("\"gelu\"", "What stands between the two linear layers."),
    {.name = "norm",
     .kind = Kind::choice,
     .default_value = "\"pre\"",
     .choices = {"pre", "post"},
     .sentence = "Whether the norms stand before attention and linear layers or after the sums."},
    {.name = "causal",
     .kind = Kind::boolean,
     .default_value = "false",
     .sentence = "Whether a position sees only itself and those before it."},
    {.name = "dropout",
     .kind = Kind::real,
     .default_value = "0.0",
     .min = 0,
     .max = 1,
     .max_exclusive = true,
     .sentence = "Rate of the dropout before each sum and between the linear layers; 0: none."}};

}  // namespace

const config::Key& repeat_key() {
  static const Key key{
      .name = "repeat",
      .kind = Kind::integer,
      .default_value = "1",
      .min = 1,
      .max = 1024,
      .sentence = "Copies of the block one after the other, called NAME.0, NAME.1, ..."};
  return key;
}

const std::vector<BlockRow>& block_rows() {
  static const std::vector<BlockRow> rows{
      {{"residual_block",
        "Block: two convolutions 3x3 with batch norm, and their input added.",
        {kOut, kStride,
         activation_key("\"relu\"", "What stands after the first norm and after the sum.")}},
       residual_block},
      {{"transformer_block",
        "Block: self-attention, then two linear layers, each with a norm and its input added.",
        kTransformerKeys},
       transformer_block},
  };
  return rows;
}

Value add_block(const BlockRow& row, const Settings& settings, Value input, Network& network) {
  const Index copies = settings.integer("repeat");
  Value value = input;
  for (Index copy = 0; copy < copies; ++copy) {
    BlockCopy block(network, settings.name(), copy, copies);
    value = row.add(block, settings, value);
  }
  return value;
}

}  // namespace lockstep
