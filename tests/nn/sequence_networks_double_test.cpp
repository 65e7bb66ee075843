#include <gtest/gtest.h>

#include "lockstep/nn/layers.hpp"
#include "nn/network_gradient_check.hpp"

// Whole networks for sequences of symbols: d(weighted loss) / d(every parameter) against central
// differences, in double precision.

namespace lockstep {
namespace {

constexpr Index kSymbols = 5;

TEST(SequenceNetworkGradient, OfATransformer) {
  Network network({6, 1, 1});
  network.add(embedding({.symbols = kSymbols, .dim = 4, .positions = Positions::learned}));
  network.add(attention({.heads = 2, .causal = true}));
  network.add(linear(8));
  network.add(gelu());
  network.add(linear(4));
  network.add(attention({.heads = 1}));
  network.add(flatten());
  network.add(linear(3));
  check_network_gradients(network, kSymbols);
}

TEST(SequenceNetworkGradient, OfAnLstmClassifier) {
  Network network({6, 1, 1});
  network.add(embedding({.symbols = kSymbols, .dim = 3, .positions = Positions::sinusoidal}));
  network.add(lstm(4));
  network.add(gru(4));
  network.add(lstm(3, {.last = true}));
  network.add(linear(3));
  check_network_gradients(network, kSymbols);
}

}  // namespace
}  // namespace lockstep
