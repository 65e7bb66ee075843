"""Trains whole networks with PyTorch and writes what they do to networks.hpp, for train/network_reference_test.cpp.

    python3 make_networks.py > networks.hpp

Inputs and initial parameters are not stored: see numbers() in pytorch_layers.py; parameters are numbered in the order in
which they are listed.
"""

import torch
from pytorch_layers import CausalLayer, Embedding, Mean, Outputs, Residual, fill, floats, layers, named, numbers
from torch import nn

SAMPLES, POSITIONS, SYMBOLS, CLASSES, STEPS = 12, 6, 7, 3, 20

# name, layers, shape of a sample (height, width, channels), outputs of each sample, PyTorch's
NETWORKS = [
    ("residual_convnet",
     layers("stem conv2d out=6 kernel=3 bias=false", "norm batch_norm", "act relu",
            "body residual_block out=8 repeat=2 stride=2", "pool global_avg_pool", "head linear out=3"),
     (8, 6, 2), 1,
     lambda: named(stem=nn.Conv2d(2, 6, 3, padding=1, bias=False), norm=nn.BatchNorm2d(6), act=nn.ReLU(),
                   body=nn.Sequential(Residual(6, 8, 2), Residual(8, 8, 1)), pool=Mean(), head=nn.Linear(8, CLASSES))),
    ("transformer",
     layers('embed embedding symbols=7 dim=8 positions="learned"',
            "blocks transformer_block heads=2 ffn=12 causal=true repeat=2", "norm layer_norm", "head linear out=7"),
     (POSITIONS, 1, 1), POSITIONS,
     lambda: named(embed=Embedding(SYMBOLS, 8, POSITIONS, True),
                   blocks=nn.Sequential(CausalLayer(8, 2, 12), CausalLayer(8, 2, 12)), norm=nn.LayerNorm(8),
                   head=nn.Linear(8, SYMBOLS))),
    ("lstm_classifier",
     layers('embed embedding symbols=7 dim=6 positions="sinusoidal"', "mix lstm units=6", "again lstm units=5 last=true",
            "head linear out=3"),
     (POSITIONS, 1, 1), 1,
     lambda: named(embed=Embedding(SYMBOLS, 6, POSITIONS, False), mix=nn.LSTM(6, 6, batch_first=True),
                   mix_out=Outputs(False), again=nn.LSTM(6, 5, batch_first=True), again_out=Outputs(True),
                   head=nn.Linear(5, CLASSES))),
]


def inputs_of(shape):
    height, width, channels = shape
    count = SAMPLES * height * width * channels
    if (width, channels) == (1, 1):
        return torch.tensor([i * i % SYMBOLS for i in range(count)]).view(SAMPLES, height)
    return numbers(1, count).view(SAMPLES, height, width, channels).permute(0, 3, 1, 2).contiguous()


def train(name, described, shape, outputs, make):
    model = make()
    fill(model)
    inputs = inputs_of(shape)
    classes = model.head.out_features
    labels = torch.tensor([i % 5 % classes for i in range(SAMPLES * outputs)])
    rule = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    losses = []
    for step in range(STEPS):
        rule.zero_grad()
        logits = model(inputs)
        loss = nn.functional.cross_entropy(logits.flatten(0, -2), labels)
        loss.backward()
        if step == 0:
            first = floats(logits)
            gradients = [(n, floats(p.grad)) for n, p in model.named_parameters()]
        rule.step()
        losses.append(loss.item())
    parts = ",\n      ".join(f'{{"{n}", {g}}}' for n, g in gradients)
    print(f"""    {{"{name}",
     R"({described})",
     {{{', '.join(map(str, shape))}}},
     {{{', '.join(map(str, labels.tolist()))}}},
     {first},
     {{{parts}}},
     {floats(torch.tensor(losses))}}},""")


torch.set_default_dtype(torch.float64)
print(f"""// Made by make_networks.py with PyTorch {torch.__version__} in float64. Do not edit.
// clang-format off
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lockstep/base/types.hpp"

namespace lockstep {{

struct NamedGradient {{
  std::string name;
  std::vector<float> values;
}};

/// {STEPS} steps of SGD with rate 0.1 and momentum 0.9 on one batch of {SAMPLES} samples.
struct NetworkReference {{
  std::string name;
  std::string layers;                   ///< as in a configuration
  Shape input;
  std::vector<std::int32_t> labels;     ///< of each sample, or of each of its positions
  std::vector<float> predictions;       ///< before the first update
  std::vector<NamedGradient> gradients; ///< of the mean loss before the first update, of every parameter
  std::vector<float> losses;            ///< of each step, before its update
}};

inline constexpr Index kNetworkSamples = {SAMPLES};
inline constexpr Index kNetworkSymbols = {SYMBOLS};

inline std::vector<NetworkReference> network_references() {{
  return {{""")
for row in NETWORKS:
    train(*row)
print("""  };
}

}  // namespace lockstep""")
