#pragma once

#include <string>
#include <vector>

#include "lockstep/base/buffer.hpp"
#include "lockstep/comm/communicator.hpp"
#include "lockstep/config/parse.hpp"
#include "lockstep/io/hdf5.hpp"
#include "lockstep/io/safetensors.hpp"
#include "lockstep/nn/network.hpp"

namespace lockstep {

/// Weights of a checkpoint and their numbers, ready to be written.
struct ExportedWeights {
  Safetensors content;                      ///< a view of `numbers`
  std::vector<std::vector<float>> numbers;  ///< of each tensor
  bool averaged = false;                    ///< they are the average of the weights
  std::string exception;                    ///< of FileOrders
};

/// What is to be said of a network that has an exception.
[[nodiscard]] std::string no_order_note(const std::string& exception);

/// What a checkpoint has learned, with its running statistics, under PyTorch's names, in its
/// layouts and its order of channels: the average of the weights if there is one, as it is judged,
/// unless the `last` ones are wanted. Step, digest of the state and normalization of the data go
/// into the metadata. `path` is for messages.
/// Errors: Error(bad_data) names the object and what is wrong.
[[nodiscard]] ExportedWeights export_weights(const Hdf5Reader& checkpoint, const std::string& path,
                                             bool last);

/// The flat parameters of a network from tensors with PyTorch's names and layouts: all of them, and
/// nothing else but PyTorch's counters "num_batches_tracked", which are of no use here. Weights
/// that Lockstep wrote have the order of channels of their version.
/// Errors: Error(bad_data) with `label` and everything that does not fit.
[[nodiscard]] Buffer<Real> parameters_from(const Safetensors& weights, const Network& network,
                                           const std::string& label);

/// What `trainer import` was asked to do.
struct ImportRequest {
  std::string weights;  ///< the name of the file, for messages
  std::string config_file;
  std::vector<config::Override> overrides;
  std::string out;
  std::string strip_prefix;  ///< is taken off the names of tensors that begin with it
};

/// What became of them.
struct ImportedWeights {
  Index learned = 0;               ///< numbers that are learned
  std::vector<std::string> notes;  ///< on rank 0: what was done beyond what was asked
};

/// Writes a checkpoint of step 0 of the run that the configuration describes, with these weights:
/// to be used like any other, or resumed. Names that fit once a wrapper's prefix is left out lose
/// it. Collective; rank 0's `weights` count.
/// Errors: AgreedError: as `set_up` and `parameters_from`; cannot_create, io.
ImportedWeights import_weights(const Communicator& world, const ImportRequest& request,
                               const Safetensors& weights);

}  // namespace lockstep
