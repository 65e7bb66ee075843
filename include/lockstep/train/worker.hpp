#pragma once

#include <vector>

#include "lockstep/base/accumulation_plan.hpp"
#include "lockstep/nn/workspace.hpp"
#include "lockstep/train/samples.hpp"

namespace lockstep {

/// Some microbatches of a batch.
struct BatchPart {
  MicrobatchRange share;
  Index samples = 0;       ///< of the batch
  Index microbatches = 0;  ///< of the batch

  /// Where its samples begin in the batch.
  [[nodiscard]] Index first() const { return microbatch_begin(samples, share.first, microbatches); }
};

/// Takes samples through a network, one part of a batch after the other: read, forward, loss and,
/// in training, backward. The workers of a rank work at the same time, each on a thread
/// of its own; a single worker is helped by all threads. Allocates nothing after its construction.
class Worker {
 public:
  /// `training` = false: no backward. The network must outlive the worker.
  Worker(const Network& network, const Capacity& capacity, bool training);

  /// Reads the samples of a part: row i is the sample number `sample(i)` of `samples`, as it looks
  /// in `epoch`. `random` is the key of what layers draw, as in Pass.
  template <typename SampleOfRow>
  void read(const Samples& samples, std::uint64_t epoch, const BatchPart& part, RandomKey random,
            const SampleOfRow& sample) {
    start(part, random);
    targets_ = reader_.read(samples, epoch, pass_.samples(), workspace_.input(), sample);
  }
  /// Sets output().
  void forward(std::span<const Real> parameters) {
    network_->forward(parameters, pass_, workspace_);
  }
  /// Sets sums(), and the gradient of `scale` times the loss of every sample.
  void loss(const Loss& loss, double scale);
  /// Sets the gradient of every block, as Network::backward.
  void backward(std::span<const Real> parameters, std::span<const GradientBlock> gradients,
                const GradientsReady& ready) {
    network_->backward(parameters, pass_, workspace_, gradients, ready);
  }

  /// Predictions, sample after sample.
  [[nodiscard]] std::span<const Real> output() const {
    return workspace_.output().values(pass_.samples());
  }
  [[nodiscard]] const Targets& targets() const { return targets_; }
  /// Of each microbatch.
  [[nodiscard]] std::span<const MetricSums> sums() const {
    return std::span(sums_).first(pass_.microbatches.size());
  }
  /// Bytes that the activations take.
  [[nodiscard]] Index bytes() const { return workspace_.bytes(); }

 private:
  void start(const BatchPart& part, RandomKey random);

  const Network* network_;
  Workspace workspace_;
  RowReader reader_;
  std::vector<Microbatch> microbatches_;
  std::vector<MetricSums> sums_;
  bool training_;
  Pass pass_;
  Targets targets_;
};

/// How a rank computes its share of batches of up to `batch` samples in `microbatches`: in `wanted`
/// rounds, or if that is 0 in as many as are fast when each part also writes a gradient of so many
/// `parameters`.
[[nodiscard]] AccumulationPlan plan_accumulation(const Network& network, MicrobatchRange share,
                                                 Index batch, Index microbatches, Index wanted,
                                                 Index parameters, int threads);

/// The workers of a rank that computes its share in such rounds, of batches of up to `batch`
/// samples in `microbatches`.
[[nodiscard]] std::vector<Worker> make_workers(const Network& network,
                                               const AccumulationPlan& rounds, Index batch,
                                               Index microbatches, bool training);

/// Bytes that the activations of all of them take.
[[nodiscard]] Index bytes_of(const std::vector<Worker>& workers);

/// Calls body(i) for the parts of a round, each with its worker's thread.
template <typename Body>
void for_each_worker(const std::vector<Worker>& workers, const std::vector<MicrobatchRange>& parts,
                     const Body& body) {
  if (workers.size() == 1) return body(0);
  each_thread_alone(std::ssize(parts), [&](Index i) { body(static_cast<std::size_t>(i)); });
}

}  // namespace lockstep
