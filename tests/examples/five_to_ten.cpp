// A network of one weight learns that 5 means 10: forward (predict), loss (compare), backward (send
// the error back), step (adjust), again.
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
  for (int round = 1; round <= 10; ++round) {
    const Real guess = model.forward(input)[0];
    const double error = model.loss(*loss, answer);
    model.backward();
    model.step(*rule, 0.01);
    std::printf("round %2d   guess %7.4f   error %8.4f   weight now %.4f\n", round, guess, error,
                model.parameters()[0]);
  }
}
