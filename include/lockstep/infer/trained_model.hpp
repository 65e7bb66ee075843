#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/config/config.hpp"
#include "lockstep/nn/loss.hpp"
#include "lockstep/nn/network.hpp"
#include "lockstep/run/checkpoint.hpp"

namespace lockstep {

/// The configuration that a checkpoint was trained by; `path` is for messages. Errors:
/// Error(config).
[[nodiscard]] config::Config config_of(const CheckpointInfo& info, const std::string& path);

/// The network of a checkpoint.
/// Errors: Error(config).
[[nodiscard]] Network network_of(const CheckpointInfo& info, const config::Config& config);

/// A trained network with what it needs to be used: the same on every rank.
struct TrainedModel {
  std::string file;                ///< the checkpoint
  std::vector<std::string> notes;  ///< of StoredCheckpoint; rank 0 has them
  config::Config config;
  std::unique_ptr<Loss> loss;
  std::unique_ptr<Network> network;
  Checkpoint checkpoint;
  bool averaged = false;  ///< its parameters are the average of the weights
};

/// Reads a checkpoint, as `find_checkpoint` finds it, and builds what it describes; chooses the
/// number of threads. What it asks of training is not judged. Collective.
/// Errors: AgreedError: no_input or bad_data with the reason, config if there are more ranks than
/// microbatches, usage if there are more rounds than these.
[[nodiscard]] TrainedModel load_model(const Communicator& world, const std::string& path,
                                      Index rounds = 0);

}  // namespace lockstep
