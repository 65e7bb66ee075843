#pragma once

#include <memory>
#include <string>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/config/config.hpp"
#include "lockstep/data/formats.hpp"
#include "lockstep/nn/network.hpp"
#include "lockstep/train/samples.hpp"

namespace lockstep {

/// The data of a run: read by rank 0, the same bytes on every rank.
struct DataSets {
  std::unique_ptr<Dataset> train_data;
  std::unique_ptr<Dataset> val_data;  ///< null if validation samples are held out from train_data
  Normalization inputs;
  Normalization targets;
  Samples train;
  Samples val;         ///< size 0 if there is no validation
  std::string digest;  ///< of the training data
  std::string split;   ///< how train and val were told apart, for checkpoints
  [[nodiscard]] bool held_out() const { return val_data == nullptr && val.size() > 0; }
};

/// How a data file of this configuration is read.
[[nodiscard]] Source source_of(const config::Data& data, const std::string& path,
                               const std::string& labels_path, bool classification);

/// Gives every rank the data set of rank 0, whose `data` is null elsewhere. Collective.
void broadcast_dataset(const Communicator& world, std::unique_ptr<Dataset>& data);

/// Reads, checks and distributes the data of a configuration. Collective.
/// Errors: AgreedError with whatever rank 0 found.
[[nodiscard]] std::unique_ptr<DataSets> load_data(const Communicator& world,
                                                  const config::Config& config,
                                                  bool classification);

/// Checks that targets fit a network's output and a loss: labels below the number of outputs, or as
/// many values. Errors: Error(bad_data) or Error(config) naming the sample and the layer.
void check_targets(const Dataset& data, const Network& network, bool classification);

}  // namespace lockstep
