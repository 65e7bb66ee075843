#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lockstep/run/checkpoint.hpp"

namespace lockstep::cli {

/// One tensor of a checkpoint. Norm, minimum and maximum are those of its finite values.
struct TensorSummary {
  std::string name;  ///< "model/fc1.weight"
  std::vector<Index> shape;
  std::uint64_t count = 0;
  double norm = 0;
  double minimum = 0;
  double maximum = 0;
  std::uint64_t nonfinite = 0;
  std::string digest{};        ///< as stored in the file; empty if it is not
  std::string found_digest{};  ///< of the values
};

/// What a checkpoint holds, without its numbers.
struct CheckpointSummary {
  std::string file;
  std::vector<std::string> notes;  ///< of StoredCheckpoint
  std::uint64_t bytes = 0;
  std::uint64_t version = 0;  ///< of the format
  std::string writer;         ///< version of the program that wrote it
  std::uint64_t epoch = 0;    ///< complete ones
  CheckpointInfo info;
  std::string state_digest;
  std::vector<TensorSummary> model;
  std::vector<TensorSummary> optimizer;
  std::vector<HistoryColumn> last_row;  ///< of the history: one value per column
};

/// Reads a checkpoint, as `find_checkpoint` finds it, after its seal was found intact.
/// Errors: no_input, no_permission; bad_data with the exact reason.
[[nodiscard]] CheckpointSummary summarize_checkpoint(const std::string& path);

/// Errors: bad_data if a tensor has no digest or another one than its values.
void verify_digests(const CheckpointSummary& summary);

}  // namespace lockstep::cli
