#include "lockstep/infer/trained_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <sstream>

#include "lockstep/comm/agreement.hpp"
#include "lockstep/config/parse.hpp"
#include "lockstep/run/checkpoint_store.hpp"
#include "lockstep/setup/catalogue.hpp"
#include "lockstep/train/updater.hpp"

namespace lockstep {
namespace {

bool has_average(const CheckpointInfo& info) {
  std::istringstream slots(info.slots);
  return std::find(std::istream_iterator<std::string>(slots), {}, kAverageSlot) !=
         std::istream_iterator<std::string>();
}

void check_loss(const TrainedModel& model) {
  try {
    model.loss->check(model.network->output_shape());
  } catch (const Error& error) {
    throw model.config.loss.error("", error.what());
  }
}

}  // namespace

config::Config config_of(const CheckpointInfo& info, const std::string& path) {
  return config::parse_identity({path + ":config/resolved", info.config}, catalogue());
}

Network network_of(const CheckpointInfo& info, const config::Config& config) {
  return build_network(config, info.input, info.vocabulary.size());
}

TrainedModel load_model(const Communicator& world, const std::string& path, Index rounds) {
  std::optional<StoredCheckpoint> stored;
  run_on_root(world, [&] { stored = find_checkpoint(path); });
  broadcast_checkpoint(world, stored);
  TrainedModel model;
  model.file = stored->path.string();
  model.notes = std::move(stored->notes);
  fail_together(world, [&] {
    const Hdf5Reader file(stored->sealed.image, model.file);
    const CheckpointInfo info = read_info(file);
    model.config = config_of(info, model.file);
    model.loss = build_loss(model.config);
    model.network = std::make_unique<Network>(network_of(info, model.config));
    check_loss(model);
    model.averaged = has_average(info);
    const auto slots = std::span(&kAverageSlot, model.averaged ? 1 : 0);
    model.checkpoint = decode(file, *model.network, slots);
    if (model.averaged) model.checkpoint.parameters = std::move(model.checkpoint.optimizer.front());
    const CheckpointInfo& now = model.checkpoint.info;
    if (world.size() > now.microbatches) {
      throw Error(ExitCode::config, fmt::format("{} ranks were started, but the checkpoint has {} "
                                                "microbatches\n  try: mpirun -np {} ...",
                                                world.size(), now.microbatches, now.microbatches));
    }
    if (rounds > now.microbatches) {
      throw Error(ExitCode::usage,
                  fmt::format("--accumulation must be at most the microbatches of the "
                              "checkpoint, {}, is {}",
                              now.microbatches, rounds));
    }
  });
  return model;
}

}  // namespace lockstep
