#pragma once

#include <memory>
#include <string>

#include "lockstep/comm/shared_memory.hpp"
#include "lockstep/comm/topology.hpp"
#include "lockstep/config/config.hpp"
#include "lockstep/data/formats.hpp"
#include "lockstep/data/text.hpp"
#include "lockstep/nn/network.hpp"
#include "lockstep/train/samples.hpp"

namespace lockstep {

/// A data set that exists once per node, in memory that the ranks of the node share; streamed
/// inputs stay in their files, which every rank opens.
class SharedDataset {
 public:
  SharedDataset() = default;
  /// Gives every node the data set that rank 0 has loaded from `source`; it is null elsewhere.
  /// Collective.
  /// Errors: AgreedError if a rank cannot open streamed files.
  SharedDataset(const Topology& topology, std::unique_ptr<Dataset> data, const Source& source);

  [[nodiscard]] const Dataset* get() const { return data_.get(); }
  [[nodiscard]] Dataset& operator*() { return *data_; }
  [[nodiscard]] const Dataset& operator*() const { return *data_; }
  [[nodiscard]] const Dataset* operator->() const { return data_.get(); }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  std::unique_ptr<SharedMemory> memory_;
  std::unique_ptr<Dataset> data_;
};

/// The data of a run: read by rank 0, the same bytes on every node.
struct DataSets {
  DataSets() = default;
  DataSets(const DataSets&) = delete;  // samples point at the normalizations
  DataSets& operator=(const DataSets&) = delete;

  SharedDataset train_data;
  SharedDataset val_data;  ///< null if validation samples are held out from train_data
  std::unique_ptr<InputStream> train_stream;  ///< null if the samples are in memory
  std::unique_ptr<InputStream> val_stream;
  Normalization inputs;
  Normalization targets;
  Samples train;
  Samples val;                           ///< size 0 if there is no validation
  std::string digest;                    ///< of the training data
  std::string split;                     ///< how train and val were told apart, for checkpoints
  bool held_out = false;                 ///< val was taken from the training data
  std::vector<std::string> class_names;  ///< of the labels, if the data has names for them
  ColumnNames columns;                   ///< of the training data
  Vocabulary vocabulary;                 ///< of the training text; empty if the data is none
};

/// How a data file of this configuration is read.
[[nodiscard]] Source source_of(const config::Data& data, const std::string& path,
                               const std::string& labels_path, bool classification);

/// Which samples of training data that are no text are learned from, and which are held out: a
/// function of the configuration's holdout and seed and of the data's size and blocks.
[[nodiscard]] Split split_of(const config::Config& config, const Dataset& data);

/// Reads, checks and distributes the data of a configuration. Collective.
/// Errors: AgreedError with whatever rank 0 found.
[[nodiscard]] std::unique_ptr<DataSets> load_data(const Topology& topology,
                                                  const config::Config& config, Outputs outputs);

/// What brings the samples of a streamed data set, `data`, into memory, named in `samples`; null,
/// and nothing is done, if they are there or there are none. Collective.
/// Errors: AgreedError: config if a window holds less than a batch.
[[nodiscard]] std::unique_ptr<InputStream> stream_of(const Topology& topology,
                                                     const config::Config& config, Dataset& data,
                                                     Samples& samples);

/// Checks that the inputs, as normalized, are whole numbers below LayerPlan::symbols where a layer
/// on the network's input asks for that; of a text, that the layer takes all of its `vocabulary`
/// symbols, which count for texts only.
/// Errors: Error(bad_data) naming sample, value and layer, Error(config) for a text.
void check_inputs(const Dataset& data, const Normalization& normalization, const Network& network,
                  Index vocabulary);

/// Checks that targets fit a network's output and a loss: for each position one label below the
/// number of outputs, or as many values as outputs, from 0 to 1 for a loss of logits; of a text, an
/// output for each symbol of its `vocabulary`.
/// Errors: Error(bad_data) or Error(config) naming the sample and the layer.
void check_targets(const Dataset& data, const Network& network, Outputs outputs, Index vocabulary);

}  // namespace lockstep
