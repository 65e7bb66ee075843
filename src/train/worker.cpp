#include "lockstep/train/worker.hpp"

#include <algorithm>

namespace lockstep {

Worker::Worker(const Network& network, const Capacity& capacity, bool training)
    : network_(&network),
      workspace_(network, capacity, training),
      reader_(capacity.samples, network.output_shape()),
      microbatches_(static_cast<std::size_t>(capacity.microbatches)),
      sums_(microbatches_.size()),
      training_(training) {}

void Worker::start(const BatchPart& part, RandomKey random) {
  const auto microbatches =
      std::span(microbatches_).first(static_cast<std::size_t>(part.share.count));
  cut_batch(part.share, part.samples, part.microbatches, microbatches);
  pass_ = {.microbatches = microbatches, .training = training_, .random = random};
}

void Worker::loss(const Loss& loss, double scale) {
  evaluate_loss(loss, pass_, workspace_.output(), targets_, scale, workspace_.output_gradient(),
                std::span(sums_).first(pass_.microbatches.size()));
}

AccumulationPlan plan_accumulation(const Network& network, MicrobatchRange share, Index batch,
                                   Index microbatches, Index wanted, Index parameters,
                                   int threads) {
  const Index activations = network.activations() * samples_in(share, batch, microbatches);
  const Index rounds =
      wanted > 0 ? wanted : rounds_for_speed(share.count, activations, parameters, threads);
  return cut_into_rounds(share, rounds, threads);
}

std::vector<Worker> make_workers(const Network& network, const AccumulationPlan& rounds,
                                 Index batch, Index microbatches, bool training) {
  const Index count = most_parts(rounds);
  const Capacity capacity{// Also the first microbatch of all, for an audit.
                          .samples = std::max(most_samples(rounds, batch, microbatches),
                                              pieces_of(batch, microbatches)),
                          .microbatches = most_microbatches(rounds),
                          .threads = count > 1 ? 1 : thread_count()};
  std::vector<Worker> workers;
  for (Index i = 0; i < count; ++i) workers.emplace_back(network, capacity, training);
  return workers;
}

Index bytes_of(const std::vector<Worker>& workers) {
  Index bytes = 0;
  for (const Worker& worker : workers) bytes += worker.bytes();
  return bytes;
}

}  // namespace lockstep
