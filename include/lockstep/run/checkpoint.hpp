#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lockstep/base/buffer.hpp"
#include "lockstep/data/dataset.hpp"
#include "lockstep/data/normalization.hpp"
#include "lockstep/data/vocabulary.hpp"
#include "lockstep/io/hdf5.hpp"
#include "lockstep/nn/network.hpp"
#include "lockstep/run/progress.hpp"

namespace lockstep {

/// What a checkpoint says about its run; fields of another run differ, and are named in the
/// refusal.
struct CheckpointInfo {
  std::uint64_t step = 0;
  std::string config;       ///< the identity of the configuration, as TOML
  std::string graph;        ///< layers with shapes, as JSON
  std::string data_digest;  ///< of the training data
  std::string split;        ///< how training and validation samples were told apart
  std::string loss;
  std::string optimizer;
  std::string slots;  ///< names of the optimizer's state buffers
  std::uint64_t seed = 0;
  Index train_samples = 0;
  Index batch = 0;
  Index microbatches = 0;
  bool shuffle = true;
  Shape input;
  Index steps_per_epoch = 1;
  std::vector<std::string> class_names{};  ///< of the labels, if the data has names for them
  ColumnNames columns{};                   ///< of the table, if it had names for them
  Vocabulary vocabulary{};                 ///< of the training text; empty if the data is none
  Index rate = 0;  ///< samples per second of the recordings; 0 if the data is none

  /// The first field in which a run differs so that it could not be its continuation, as a
  /// sentence; empty if none.
  [[nodiscard]] std::string difference(const CheckpointInfo& run) const;
};

/// The whole state of a run after a step; it knows nothing of ranks, threads, hosts or times.
struct Checkpoint {
  CheckpointInfo info;
  Progress progress;
  Normalization inputs;
  Normalization targets;
  Buffer<Real> parameters;              ///< flat
  std::vector<Buffer<Real>> optimizer;  ///< flat, one per slot
};

/// An HDF5 image of a checkpoint, and the digest of its tensors.
struct CheckpointImage {
  Hdf5Writer file;                   ///< owns the bytes
  std::span<const std::byte> bytes;  ///< without seal
  std::string state_digest;
};

/// A checkpoint's file in the making: it takes the state part by part, in whatever order, straight
/// to its place, so that the state exists there once more and not twice.
class CheckpointDraft {
 public:
  /// With all of `facts` but its state. The network must outlive it.
  CheckpointDraft(const Checkpoint& facts, const Network& network,
                  std::span<const std::string_view> slots);

  /// Numbers `range` of a flat buffer: of the parameters, or of slot `group` - 1.
  void set(std::size_t group, Range range, std::span<const Real> values);
  static constexpr std::size_t kParameters = 0;

  /// Once all numbers are set. Those of a tensor whose channels are in another order in files are
  /// there three times meanwhile.
  [[nodiscard]] CheckpointImage finish() &&;

 private:
  struct Tensor {
    std::string name;  ///< with its group
    std::size_t group;
    const Parameter* parameter;
    FileOrder order;  ///< of its channels in the file
    Index offset;     ///< in the file
    [[nodiscard]] Index bytes() const;
  };
  void add(std::size_t group, const std::string& group_path, const Parameter& parameter,
           const FileOrder& order);

  Hdf5Writer file_;
  std::vector<Tensor> tensors_;  ///< in the order of the file
};

/// Layers with their shapes as JSON: what a network is, without its numbers.
[[nodiscard]] std::string graph_of(const Network& network);

/// The version of the format that is written: channels are in PyTorch's order (`file_orders`). In
/// version 1 those behind a `flatten` were in ours.
inline constexpr std::uint64_t kCheckpointVersion = 2;

/// The version of a file.
/// Errors: Error(bad_data) if it is no checkpoint, or of another version.
[[nodiscard]] std::uint64_t format_version(const Hdf5Reader& file);

/// Writes format 2: attributes of the root, and the groups config, model, optimizer, schedule, rng,
/// sampler, data, progress, history, digest. Tensors have PyTorch's names, layouts and order of
/// channels; the digest of the state is that of the numbers in our own order. Equal checkpoints
/// give equal bytes.
[[nodiscard]] CheckpointImage encode(const Checkpoint& checkpoint, const Network& network,
                                     std::span<const std::string_view> slots);

/// Reads what the run was, before a network is built.
/// Errors: Error(bad_data) names the file, the object and what is wrong.
[[nodiscard]] CheckpointInfo read_info(const Hdf5Reader& file);

/// Reads everything else; names and shapes come from the network, never from the file.
[[nodiscard]] Checkpoint decode(const Hdf5Reader& file, const Network& network,
                                std::span<const std::string_view> slots);

}  // namespace lockstep
