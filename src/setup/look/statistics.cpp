#include "setup/look/statistics.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

using Node = Network::Node;

bool measures(const Network& network, const Node& node) {
  return std::ranges::any_of(network.parameters().parameters(), [&](const Parameter& p) {
    return p.spec.role() == Role::statistic &&
           std::ranges::find(node.parameter_offsets, p.offset) != node.parameter_offsets.end();
  });
}

// The layer that measures one value of each sample; null if there is none.
const Node* layer_of_one_value(const Network& network) {
  const auto found = std::ranges::find_if(network.nodes(), [&](const Node& node) {
    return node.output.positions() == 1 && measures(network, node);
  });
  return found == network.nodes().end() ? nullptr : &*found;
}

// Microbatches of one sample.
Index singles(Index samples, Index microbatches) {
  Index count = 0;
  for (Index m = 0; m < microbatches; ++m) {
    const Index rows =
        microbatch_begin(samples, m + 1, microbatches) - microbatch_begin(samples, m, microbatches);
    count += rows == 1 ? 1 : 0;
  }
  return count;
}

// Whether a sample stands alone in a microbatch of any batch.
bool leaves_singles(Index samples, Index batch, Index microbatches) {
  return singles(batch, microbatches) > 0 || singles(samples % batch, microbatches) > 0;
}

std::string remedy(Index samples, Index batch, Index microbatches) {
  for (Index fewer = std::min(microbatches - 1, batch / 2); fewer >= 1; --fewer) {
    if (leaves_singles(samples, batch, fewer)) continue;
    return fmt::format("try: --set parallel.microbatches={}, or a larger data.batch", fewer);
  }
  for (Index larger = batch + 1; larger < 2 * batch; ++larger) {
    if (leaves_singles(samples, larger, microbatches)) continue;
    return fmt::format("try: --set data.batch={}", larger);
  }
  return "try a larger data.batch";
}

}  // namespace

Index most_microbatches(const Network& network, Index batch) {
  return layer_of_one_value(network) == nullptr ? batch : std::max<Index>(batch / 2, 1);
}

Notes look_at_statistics(const Network& network, Index samples, Index batch, Index microbatches,
                         bool begins) {
  const Node* const layer = layer_of_one_value(network);
  if (layer == nullptr) return {};
  const Index alone = singles(batch, microbatches);
  const std::string_view type = layer->layer->type();
  const std::string hint = remedy(samples, batch, microbatches);
  if (alone == microbatches && begins) {
    throw Error(
        ExitCode::config,
        fmt::format("layer '{}', {}, cannot learn: a batch of {} has {} microbatch{} of one "
                    "sample, and it normalizes over each\n  {}",
                    layer->name, type, batch, microbatches, microbatches == 1 ? "" : "es", hint));
  }
  const auto note = [&](std::string_view which, Index size, Index count) {
    return fmt::format(
        "layer '{}', {}, learns nothing from {} of the {} microbatches of {} of {}: it normalizes "
        "over each, and these have one sample; {}",
        layer->name, type, count, microbatches, which, size, hint);
  };
  if (alone > 0) return {note("every batch", batch, alone)};
  const Index last = samples % batch;
  if (const Index few = singles(last, microbatches); few > 0) {
    return {note("the last batch of an epoch,", last, few)};
  }
  return {};
}

}  // namespace lockstep
