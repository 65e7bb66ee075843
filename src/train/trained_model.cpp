#include "lockstep/train/trained_model.hpp"

#include <fmt/format.h>

#include "lockstep/comm/agreement.hpp"
#include "lockstep/config/parse.hpp"
#include "lockstep/train/catalogue.hpp"
#include "lockstep/train/checkpoint_store.hpp"
#include "lockstep/train/setup.hpp"

namespace lockstep {

TrainedModel load_model(const Communicator& world, const std::string& path) {
  std::optional<StoredCheckpoint> stored;
  on_root(world, [&] { stored = read_checkpoint(path); });
  broadcast_checkpoint(world, stored);
  TrainedModel model;
  together(world, [&] {
    const Hdf5Reader file(stored->sealed.image, path);
    const CheckpointInfo info = read_info(file);
    model.config = config::parse({path + ":config/resolved", info.config}, {}, catalogue());
    model.loss = build_loss(model.config);
    model.network =
        std::make_unique<Network>(build_network(model.config, info.input, info.vocabulary.size()));
    model.checkpoint = decode(file, *model.network, {});
    const CheckpointInfo& now = model.checkpoint.info;
    if (world.size() > now.microbatches) {
      throw Error(ExitCode::config, fmt::format("{} ranks were started, but the checkpoint has {} "
                                                "microbatches\n  try: mpirun -np {} ...",
                                                world.size(), now.microbatches, now.microbatches));
    }
  });
  choose_threads(world, 0);
  return model;
}

}  // namespace lockstep
