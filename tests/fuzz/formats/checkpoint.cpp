#include "lockstep/run/checkpoint.hpp"

#include "fuzz/target.hpp"
#include "lockstep/nn/layers.hpp"

namespace lockstep::fuzz {
namespace {

constexpr std::string_view kSlots[] = {"momentum"};

const Network& network() {
  static const Network small = [] {
    Network network({.channels = 2});
    network.add(linear(2), "fc");
    return network;
  }();
  return small;
}

std::vector<std::string> seeds() {
  Checkpoint checkpoint;
  checkpoint.info = {.step = 25,
                     .config = "[run]\nseed = 5\n",
                     .graph = graph_of(network()),
                     .data_digest = "abc",
                     .split = "holdout 0.1",
                     .loss = "cross_entropy",
                     .optimizer = "sgd",
                     .slots = "momentum",
                     .seed = 5,
                     .train_samples = 100,
                     .batch = 16,
                     .microbatches = 8,
                     .input = network().input_shape(),
                     .steps_per_epoch = 7,
                     .class_names = {"no", "yes"},
                     .vocabulary = Vocabulary::of_text("a\nb", "x")};
  checkpoint.progress.best = BestMetric{"val/acc", 0.75, 21};
  checkpoint.progress.add_history(7, 1, {{"loss", 2.0}}, {{"loss", 1.1}});
  checkpoint.inputs = {{1, 2}, {4, 5}};
  checkpoint.parameters = Buffer<Real>(network().parameters().size());
  checkpoint.optimizer.emplace_back(network().parameters().size());
  const CheckpointImage image = encode(checkpoint, network(), kSlots);
  return {{reinterpret_cast<const char*>(image.bytes.data()), image.bytes.size()}};
}

// What stands before the seal of a checkpoint, which whoever means harm can compute as well.
bool accepts(const std::string& input) {
  return accepted([&] {
    const Hdf5Reader file(std::as_bytes(std::span(input)), "a.h5");
    (void)decode(file, network(), kSlots);
  });
}

}  // namespace

extern const Target kCheckpoint{
    "checkpoint", accepts, seeds, {"TREE", "HEAP", "SNOD", "weight"}, true};

}  // namespace lockstep::fuzz
