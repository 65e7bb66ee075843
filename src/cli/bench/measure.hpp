#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "lockstep/base/types.hpp"
#include "lockstep/comm/topology.hpp"

// What the machine gives: the parts of a training step, each on its own.

namespace lockstep {

/// One exchange of gradients and parameters, in seconds on one rank: medians over rounds of the
/// mean of some exchanges.
struct ExchangeTimes {
  double ours = 0;
  double all_reduce = 0;  ///< MPI_Allreduce of the same numbers
  Index iterations = 0;   ///< in a round
};

/// The exchange of a step, as Trainer::step makes it, for `numbers` gradients, and MPI_Allreduce in
/// turns with it. With `update`, also SGD with momentum: of this rank's slices only, and of
/// everything on every rank. `iterations` of 0: as many as take about 50 ms. Collective.
[[nodiscard]] ExchangeTimes measure_exchange(const Topology& topology, Index numbers, bool update,
                                             Index iterations);

/// The operations per second of one product on the threads set, by library; 0 where there is none.
struct ProductSpeed {
  std::string_view product;  ///< "forward", "input grad", "weight grad"
  Index rows = 0, inputs = 0, outputs = 0;
  double ours = 0, eigen = 0, onednn = 0;
  double peak = 0;  ///< of the multiply-add units of one core, measured in the same rounds
};

/// The three products of a fully connected layer of 8 microbatches. Eigen and oneDNN run on the
/// calling thread alone.
[[nodiscard]] std::vector<ProductSpeed> measure_products(Index rows, Index inputs, Index outputs);

/// Bytes per second.
struct StorageSpeed {
  double write = 0;   ///< by write_atomically: on stable storage when it returns
  double read = 0;    ///< of what was just written, so mostly from memory
  double digest = 0;  ///< of what a checkpoint's digest takes
};

/// Medians of five rounds with a file of `bytes` in `directory`, which is gone afterwards.
/// Errors: as write_atomically and read_file.
[[nodiscard]] StorageSpeed measure_storage(const std::filesystem::path& directory, Index bytes);

}  // namespace lockstep
