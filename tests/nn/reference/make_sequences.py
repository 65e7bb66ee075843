"""Trains small networks for sequences with PyTorch and writes what they do to sequences.hpp, for
sequence_trajectory_test.cpp.

    python3 make_sequences.py > sequences.hpp
"""

import platform

import torch
from torch import nn

SAMPLES, POSITIONS, CHANNELS, SYMBOLS, CLASSES, STEPS = 6, 5, 4, 7, 3, 20


class Attention(nn.MultiheadAttention):
    def __init__(self, causal, **options):
        super().__init__(CHANNELS, 2, batch_first=True, **options)
        mask = torch.triu(torch.ones(POSITIONS, POSITIONS, dtype=torch.bool), diagonal=1)
        self.mask = mask if causal else None

    def forward(self, x):
        return super().forward(x, x, x, need_weights=False, attn_mask=self.mask)[0]


class Embedding(nn.Embedding):
    """Adds learned or sinusoidal positions."""

    def __init__(self, learned):
        super().__init__(SYMBOLS, CHANNELS)
        t = torch.arange(POSITIONS, dtype=torch.float64)[:, None]
        wave = 10000.0 ** (-torch.arange(0, CHANNELS, 2, dtype=torch.float64) / CHANNELS)
        table = torch.stack((torch.sin(t * wave), torch.cos(t * wave)), dim=2)
        if learned:
            self.positions = nn.Parameter(torch.randn(POSITIONS, CHANNELS))
        else:
            self.positions = table.reshape(POSITIONS, CHANNELS).float()

    def forward(self, x):
        return super().forward(x) + self.positions


class Recurrent(nn.Module):
    """The outputs of a recurrent layer, or that of its last position."""

    def __init__(self, layer, last):
        super().__init__()
        self.layer, self.last = layer, last

    def forward(self, x):
        y = self.layer(x)[0]
        return y[:, -1] if self.last else y


def named(**layers):
    model = nn.Sequential()
    for name, layer in layers.items():
        model.add_module(name, layer)
    return model


def head(inputs):
    return dict(flatten=nn.Flatten(), head=nn.Linear(inputs, CLASSES))


ALL = POSITIONS * CHANNELS
CASES = {
    "attention": lambda: named(mix=Attention(False), **head(ALL)),
    "attention_without_bias": lambda: named(mix=Attention(True, bias=False), **head(ALL)),
    "transformer": lambda: named(embed=Embedding(True), mix=Attention(True), act=nn.GELU(),
                                 again=Attention(True), **head(ALL)),
    "sinusoidal": lambda: named(embed=Embedding(False), **head(ALL)),
    "lstm": lambda: named(mix=Recurrent(nn.LSTM(CHANNELS, 3, batch_first=True), False),
                          **head(3 * POSITIONS)),
    "lstm_last": lambda: named(mix=Recurrent(nn.LSTM(CHANNELS, 5, batch_first=True), True),
                               **head(5)),
    "gru": lambda: named(mix=Recurrent(nn.GRU(CHANNELS, 3, batch_first=True), False),
                         **head(3 * POSITIONS)),
    "gru_last": lambda: named(mix=Recurrent(nn.GRU(CHANNELS, 5, batch_first=True), True), **head(5)),
}


def floats(tensor):
    return "{" + ", ".join(f"{x:.9g}f" if "." in f"{x:.9g}" or "e" in f"{x:.9g}" else f"{x:.9g}"
                           for x in tensor.detach().flatten().tolist()) + "}"


def lists(tensors):
    return "{" + ",\n     ".join(floats(t) for t in tensors) + "}"


def train(name, make):
    torch.manual_seed(len(name))
    model = make()
    for p in model.parameters():  # PyTorch starts some biases at zero
        if not p.any():
            nn.init.uniform_(p, -0.5, 0.5)
    names = [n.replace(".layer.", ".") for n, _ in model.named_parameters()]
    symbols = hasattr(model, "embed")
    inputs = (torch.randint(SYMBOLS, (SAMPLES, POSITIONS)) if symbols
              else torch.randn(SAMPLES, POSITIONS, CHANNELS))
    labels = torch.randint(CLASSES, (SAMPLES,))
    rule = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    losses = []
    for step in range(STEPS):
        rule.zero_grad()
        prediction = model(inputs)
        loss = nn.functional.cross_entropy(prediction, labels)
        loss.backward()
        if step == 0:
            first = floats(prediction)
            initial = lists(model.parameters())
            gradients = lists(p.grad for p in model.parameters())
        rule.step()
        losses.append(loss.item())
    print(f"""    {{"{name}",
     {{{', '.join(f'"{n}"' for n in names)}}},
     {initial},
     {floats(inputs.float())},
     {{{', '.join(map(str, labels.tolist()))}}},
     {first},
     {gradients},
     {floats(torch.tensor(losses))},
     {lists(model.parameters())}}},""")


torch.set_num_threads(1)
print(f"""// Made by make_sequences.py with PyTorch {torch.__version__} in float32 on {platform.machine()}. Do not edit.
// clang-format off
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lockstep {{

/// {STEPS} steps of SGD with rate 0.02 and momentum 0.9 on one batch of {SAMPLES} sequences of {POSITIONS} positions.
struct SequenceTrajectory {{
  std::string name;
  std::vector<std::string> names;              ///< of the parameters, as PyTorch names them
  std::vector<std::vector<float>> initial;     ///< parameters
  std::vector<float> inputs;
  std::vector<std::int32_t> labels;
  std::vector<float> predictions;              ///< before the first update
  std::vector<std::vector<float>> gradients;   ///< of the mean loss before the first update
  std::vector<float> losses;                   ///< of each step, before its update
  std::vector<std::vector<float>> trained;     ///< parameters
}};

inline std::vector<SequenceTrajectory> sequence_trajectories() {{
  return {{""")
for case in CASES.items():
    train(*case)
print("""  };
}

}  // namespace lockstep""")
