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
};

/// What a checkpoint has learned, with its running statistics, under PyTorch's names and in its
/// layouts: the average of the weights if there is one, as it is judged, unless the `last` ones are
/// wanted. Step, digest of the state and normalization of the data go into the metadata.
/// Errors: Error(bad_data) names the object and what is wrong.
[[nodiscard]] ExportedWeights export_weights(const Hdf5Reader& checkpoint, bool last);

/// The flat parameters of a network from tensors with PyTorch's names and layouts: all of them, and
/// nothing else but PyTorch's counters "num_batches_tracked", which are of no use here.
/// Errors: Error(bad_data) with `label` and everything that does not fit.
[[nodiscard]] Buffer<Real> parameters_from(const Safetensors& weights, const Network& network,
                                           const std::string& label);

/// What `trainer import` was asked to do.
struct ImportRequest {
  std::string weights;  ///< the name of the file, for messages
  std::string config_file;
  std::vector<config::Override> overrides;
  std::string out;
};

/// Writes a checkpoint of step 0 of the run that the configuration describes, with these weights:
/// to be used like any other, or resumed. Collective; rank 0's `weights` count. Returns how many
/// numbers are learned. Errors: AgreedError: as `set_up` and `parameters_from`; cannot_create, io.
Index import_weights(const Communicator& world, const ImportRequest& request,
                     const Safetensors& weights);

}  // namespace lockstep
