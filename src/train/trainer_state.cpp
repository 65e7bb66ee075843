// What a trainer holds between two steps, and how that comes out of it and back.
#include <algorithm>
#include <cassert>

#include "lockstep/comm/node_barriers.hpp"
#include "lockstep/train/trainer.hpp"

namespace lockstep {

AuditRecord Trainer::evidence(bool recompute) {
  AuditRecord evidence;
  evidence.intact =
      optimizer_.mine().matches_checksums(parameters()) && replicas_.matches_checksums();
  if (topology_.nodes() > 1 && topology_.leads()) {
    evidence.parameters = digest_of(std::as_bytes(parameters()));
  }
  if (recompute && topology_.ranks().size() > 1) evidence.gradient = recomputed_gradient();
  return evidence;
}

Digest Trainer::recomputed_gradient() {
  assert(steps_done_ > 0);
  const std::uint64_t step = steps_done_ - 1;
  const MicrobatchRange share{.first = 0, .count = 1};  // other samples in every step
  // Nobody looks at the gradients of a rank between two steps.
  const GradientBlock gradient{share, reducer_.blocks().front().values};
  Worker& worker = workers_.front();
  for_each_worker(workers_, {share}, [&](std::size_t) {
    const StepResult known = batch_of(step);
    read(worker, known.batch, step, share);
    worker.forward(parameters());
    worker.loss(loss_, known.weight());
    worker.backward(parameters(), std::span(&gradient, 1), [](Index) {});
  });
  Digester digester;
  digester.update(std::as_bytes(worker.sums()));
  digester.update(std::as_bytes(gradient.values));
  return digester.finish();
}

std::span<const Real> Trainer::eval_parameters() {
  if (options_.ema == 0) return parameters();
  return replicas_.average(optimizer_.mine().state().back().span());
}

MemoryUse Trainer::memory() const {
  const auto buffer = static_cast<Index>(parameters().size_bytes());
  return {.activations = bytes_of(workers_),
          .gradients = static_cast<Index>(reducer_.blocks().size()) * buffer + accumulator_.bytes(),
          .parameters = replicas_.bytes(),
          .optimizer = std::ssize(optimizer_.mine().state()) *
                       reducer_.layout().owned(topology_.ranks().rank()) *
                       static_cast<Index>(sizeof(Real))};
}

void Trainer::gather_state(const TakeState& take) {
  for (std::size_t slot = 0; slot < optimizer_.mine().state().size(); ++slot) {
    replicas_.gather(optimizer_.mine().state()[slot].span(),
                     [&](Range range, std::span<const Real> values) { take(slot, range, values); });
  }
}

void Trainer::restore(std::uint64_t steps_done, std::span<const Real> parameters,
                      std::span<const Buffer<Real>> optimizer_state) {
  Updater& updater = optimizer_.mine();
  assert(optimizer_state.size() == updater.state().size());
  steps_done_ = steps_done;
  if (topology_.leads()) std::ranges::copy(parameters, replicas_.parameters().begin());
  for (std::size_t slot = 0; slot < optimizer_state.size(); ++slot) {
    replicas_.take_shard(optimizer_state[slot].span(), updater.state()[slot].span());
  }
  topology_.barrier().arrive_and_wait(0);
  updater.record_checksums(replicas_.parameters());
  replicas_.reset_checksums();
}

}  // namespace lockstep
