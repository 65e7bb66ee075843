// A user's program: a network of one weight learns that 5 means 10.
#include <cmath>
#include <cstdio>

#include "lockstep/nn/layers.hpp"
#include "lockstep/train/model.hpp"

using namespace lockstep;

int main() {
  const Real input[] = {5}, answer[] = {10};
  Network network({.channels = 1});
  network.add(linear(1, {.bias = false}));
  Model model(network);
  const auto loss = mean_squared_error();
  const auto rule = sgd();
  for (int round = 0; round < 20; ++round) {
    model.forward(input);
    model.loss(*loss, answer);
    model.backward();
    model.step(*rule, 0.01);
  }
  const Real guess = model.forward(input)[0];
  std::printf("5 means %.3f\n", guess);
  return std::abs(guess - 10) < 0.01f ? 0 : 1;
}
