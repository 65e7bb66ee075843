#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/config/parse.hpp"
#include "lockstep/data/augmentation.hpp"
#include "lockstep/nn/loss.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "lockstep/setup/data_sets.hpp"

namespace lockstep {

/// What a configuration describes, built: the same on every rank.
struct Setup {
  config::Source source;
  config::Config config;
  std::unique_ptr<Loss> loss;
  std::unique_ptr<Optimizer> optimizer;
  std::unique_ptr<DataSets> data;
  std::unique_ptr<Augmenter> augmenter;  ///< null: samples are learned as they are
  std::unique_ptr<Network> network;
  std::vector<std::string> notes;  ///< what may not be meant; on rank 0
};

/// Reads and checks a configuration, its data and its network. Collective.
/// Errors: AgreedError with every fault of the configuration, a value in which ranks differ, or the
/// first of anything else; nothing was written.
[[nodiscard]] Setup set_up(const Topology& topology, const std::string& config_file,
                           std::span<const config::Override> overrides);

/// Sets the number of threads of this rank: `wanted`, or if that is 0, OMP_NUM_THREADS, or its part
/// of the CPUs that its affinity mask allows. Collective. Returns the number.
int choose_threads(const Communicator& world, Index wanted);

/// The number of microbatches of a new run: `wanted`, or if that is 0, the smallest power of two
/// that is at least 8 and at least the number of ranks, but not above the batch, nor above `most`,
/// with more of which layers would not learn.
/// Errors: Error(config) if there are more ranks than microbatches or fewer samples in a batch than
/// microbatches.
[[nodiscard]] Index choose_microbatches(Index wanted, Index batch, int ranks,
                                        Index most = std::numeric_limits<Index>::max());

}  // namespace lockstep
