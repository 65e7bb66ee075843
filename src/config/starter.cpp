#include "lockstep/config/show.hpp"

namespace lockstep::config {

std::string starter() {
  return R"(# A multilayer perceptron for 8x8 images of handwritten digits.
# What a key means: trainer config explain optimizer.lr     Every section: trainer config explain

[run]
name = "digits-mlp"
seed = 42            # decides every random number
epochs = 20          # or: steps = 500

[data]
train = "datasets/digits.csv.gz"
holdout = 0.2        # a fifth of the samples is kept for validation
batch = 64           # GLOBAL batch: 64 on 1 rank or on 8
normalize = "standard"

# The layers in their order. Input sizes are inferred.
[[layer]]
name = "fc1"
type = "linear"
out = 128

[[layer]]
type = "relu"

[[layer]]
name = "fc2"
type = "linear"
out = 10             # one number for each digit

[loss]
type = "cross_entropy"

[optimizer]
type = "sgd"
lr = 0.1
momentum = 0.9

[checkpoint]
every = "5 epochs"   # or "10 minutes", "250 steps"
best = "val/acc"
)";
}

}  // namespace lockstep::config
