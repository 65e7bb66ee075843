#pragma once

#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/train/confusion_matrix.hpp"
#include "lockstep/train/samples.hpp"
#include "lockstep/train/worker.hpp"

namespace lockstep {

/// Judges a network on samples that it does not learn from. Samples are cut into batches and
/// microbatches as in training, each is seen exactly once, and the sums of all microbatches are
/// added in their order: the result does not depend on the number of ranks or threads.
class Evaluator {
 public:
  /// `rounds`: in which a rank computes its share of a batch; 0: as many as are fast. No result
  /// depends on it.
  Evaluator(const Communicator& communicator, const Network& network, Index batch,
            Index microbatches, Index rounds = 0);

  /// Bytes that the activations take.
  [[nodiscard]] Index bytes() const { return bytes_of(workers_); }

  /// The sums of the loss over all samples, the same on every rank. Collective. `confusion`, if
  /// given, is set to how a network whose outputs are class logits tells the classes apart, and one
  /// of logits, for each of them, no (0) from yes (1); each position of a sample counts as one, and
  /// the first of equal outputs is the prediction.
  MetricSums evaluate(std::span<const Real> parameters, const Loss& loss, const Samples& samples,
                      std::vector<ConfusionMatrix>* confusion = nullptr);

  /// The predictions for all samples in their order, row after row, on rank 0; empty elsewhere.
  /// Collective.
  std::vector<Real> predict(std::span<const Real> parameters, const Samples& samples);

 private:
  /// Runs the network over this rank's share of every batch: judge(worker) on the worker's thread,
  /// then visit(worker) for one part after the other.
  template <typename Judge, typename Visit>
  void for_each_part(std::span<const Real> parameters, const Samples& samples, const Judge& judge,
                     const Visit& visit);
  [[nodiscard]] Index batches(Index samples) const { return (samples + batch_ - 1) / batch_; }
  /// The rows of batch `index` that `rank` computes, as sample numbers [first, first + count).
  [[nodiscard]] MicrobatchRange rows_of(int rank, Index index, Index samples) const;

  const Communicator& communicator_;
  const Network& network_;
  Index batch_;
  Index microbatch_count_;
  AccumulationPlan rounds_;
  std::vector<Worker> workers_;
  std::uint64_t times_ = 0;  ///< how often it went through samples: their epoch, if streamed
};

}  // namespace lockstep
