#include "lockstep/nn/decoder.hpp"

#include <algorithm>
#include <cassert>
#include <string>

#include "lockstep/base/error.hpp"
#include "lockstep/base/parallel.hpp"

namespace lockstep {
namespace {

void check(const Network& network) {
  const Index positions = network.input_shape().positions();
  if (network.input_shape().channels != 1 || network.output_shape().positions() != positions) {
    throw Error(ExitCode::config,
                "expected a network that predicts something at every position of a sequence of "
                "symbols");
  }
  for (const Network::Node& node : network.nodes()) {
    if (node.causal && node.output.positions() == positions) continue;
    throw Error(ExitCode::config,
                "layer '" + node.name + "': " + std::string(node.layer->type()) +
                    " does not take a sequence position by position; train with causal attention, "
                    "lstm, gru and layers that treat each position alone");
  }
}

}  // namespace

Decoder::Decoder(const Network& network, std::span<const Real> parameters)
    : network_(network),
      parameters_(parameters),
      workspace_(network, {.samples = 1, .microbatches = 1, .threads = thread_count()}, false),
      most_(network.input_shape().positions()) {
  check(network);
}

std::span<const Real> Decoder::append(std::span<const Real> symbols) {
  assert(!symbols.empty());
  const auto most = static_cast<std::size_t>(most_);
  const std::size_t leaving = most - most / 2;
  bool moved = false;
  for (const Real symbol : symbols) {
    if (window_.size() == most) {
      window_.erase(window_.begin(), window_.begin() + static_cast<Index>(leaving));
      moved = true;
    }
    window_.push_back(symbol);
  }
  const auto last = static_cast<Index>(window_.size()) - 1;
  if (moved || symbols.size() > 1) {
    forward();
  } else {
    workspace_.input().data[last] = symbols[0];
    network_.step(parameters_, last, workspace_);
  }
  return workspace_.output().matrix(1).row(last);
}

/// The positions after the window see a symbol, too; those before do not see them.
void Decoder::forward() {
  const std::span<Real> input = workspace_.input().values(1);
  std::ranges::fill(std::ranges::copy(window_, input.begin()).out, input.end(), Real{0});
  const Microbatch one{.index = 0, .first_row = 0, .rows = 1};
  network_.forward(parameters_, {.microbatches = {&one, 1}, .training = false, .random = {}},
                   workspace_);
}

}  // namespace lockstep
