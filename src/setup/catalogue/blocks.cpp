#include "lockstep/nn/blocks.hpp"

#include <optional>
#include <string>
#include <utility>

#include "setup/catalogue/block.hpp"

namespace lockstep {
namespace {

using config::Key;
using config::Kind;
using config::Settings;

Activation activation_of(const Settings& s) {
  const std::string& name = s.text("activation");
  if (name == "relu") return relu;
  return name == "silu" ? silu : gelu;
}

Key activation_key(std::string default_value, std::string sentence) {
  return {.name = "activation",
          .kind = Kind::choice,
          .default_value = std::move(default_value),
          .choices = {"gelu", "relu", "silu"},
          .sentence = std::move(sentence)};
}

// -- Residual block -------------------------------------------------------------------------------

Value add_residual(BlockCopy& block, const Settings& s, Value input) {
  return residual_block(
      block,
      {.channels = s.integer("out"), .stride = s.integer("stride"), .activation = activation_of(s)},
      input);
}

const Key kBlockOut{.name = "out",
                    .kind = Kind::integer,
                    .required = true,
                    .min = 1,
                    .max = 1 << 24,
                    .sentence = "Number of output channels."};
const Key kBlockStride{.name = "stride",
                       .kind = Kind::integer,
                       .default_value = "1",
                       .min = 1,
                       .max = 1 << 16,
                       .unit = "places",
                       .sentence = "Stride of the first convolution of the first copy."};

// -- Transformer block ----------------------------------------------------------------------------

Value add_transformer(BlockCopy& block, const Settings& s, Value input) {
  return transformer_block(block,
                           {.heads = s.integer("heads"),
                            .hidden = s.has("ffn") ? std::optional(s.integer("ffn")) : std::nullopt,
                            .activation = activation_of(s),
                            .norm_first = s.text("norm") == "pre",
                            .causal = s.boolean("causal"),
                            .dropout = s.real("dropout")},
                           input);
}

const std::vector<Key> kTransformerKeys{
    {.name = "heads",
     .kind = Kind::integer,
     .required = true,
     .min = 1,
     .max = 1 << 16,
     .sentence = "Number of attention heads; it must divide the channels."},
    {.name = "ffn",
     .kind = Kind::integer,
     .min = 1,
     .max = 1 << 24,
     .sentence = "Hidden size of the feed-forward layers; by default 4 times the input channels."},
    activation_key("\"gelu\"", "Activation of the feed-forward layers."),
    {.name = "norm",
     .kind = Kind::choice,
     .default_value = "\"pre\"",
     .choices = {"pre", "post"},
     .sentence = "Layer norm before attention and feed-forward layers (pre) or after the residual "
                 "sums (post)."},
    {.name = "causal",
     .kind = Kind::boolean,
     .default_value = "false",
     .sentence = "Mask later positions: each attends to itself and earlier ones only."},
    {.name = "dropout",
     .kind = Kind::real,
     .default_value = "0.0",
     .min = 0,
     .max = 1,
     .max_exclusive = true,
     .sentence =
         "Dropout rate before each residual sum and between the feed-forward layers; 0: off."}};

}  // namespace

const config::Key& repeat_key() {
  static const Key key{
      .name = "repeat",
      .kind = Kind::integer,
      .default_value = "1",
      .min = 1,
      .max = 1024,
      .sentence = "Number of copies of the block in sequence, named NAME.0, NAME.1, ..."};
  return key;
}

const std::vector<BlockRow>& block_rows() {
  static const std::vector<BlockRow> rows{
      {{"residual_block",
        "Block: two 3x3 convolutions with batch norm and a residual connection.",
        {kBlockOut, kBlockStride,
         activation_key("\"relu\"",
                        "Activation after the first batch norm and after the residual sum.")}},
       add_residual},
      {{"transformer_block",
        "Block: self-attention, then two feed-forward layers, each with layer norm and a residual "
        "connection.",
        kTransformerKeys},
       add_transformer},
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
