// What a trainer holds between two steps, and how that comes out of it and back.
#include <algorithm>
#include <cassert>

#include "lockstep/comm/rendezvous.hpp"
#include "lockstep/train/trainer.hpp"

namespace lockstep {

Evidence Trainer::evidence(bool recompute) {
  Evidence evidence;
  evidence.intact = updater_.intact(parameters_) && copies_.intact(parameters_);
  if (topology_.nodes() > 1 && topology_.leads()) {
    evidence.parameters = digest_of(std::as_bytes(parameters()));
  }
  if (recompute && topology_.ranks().size() > 1) evidence.gradient = recomputed_gradient();
  return evidence;
}

Digest Trainer::recomputed_gradient() {
  assert(steps_done_ > 0);
  const std::uint64_t step = steps_done_ - 1;
  const Share share{.first = 0, .count = 1};  // other samples in every step
  // Nobody looks at the gradients of a rank between two steps.
  const GradientBlock gradient{share, reducer_.blocks().front().values};
  Worker& worker = workers_.front();
  at_once(workers_, {share}, [&](std::size_t) {
    const StepResult known = batch_of(step);
    read(worker, known.batch, step, share);
    worker.predict(parameters_);
    worker.judge(loss_, known.weight());
    worker.send_back(parameters_, std::span(&gradient, 1), [](Index) {});
  });
  Digester digester;
  digester.update(std::as_bytes(worker.sums()));
  digester.update(std::as_bytes(gradient.values));
  return digester.finish();
}

std::span<const Real> Trainer::judged_parameters() {
  if (!average_memory_) return parameters_;
  const std::span<Real> whole = average_memory_->segment_of<Real>(0).first(parameters_.size());
  exchange_.put(updater_.state().back().span(), whole);
  static_cast<void>(exchange_.share(whole));
  return whole;
}

MemoryUse Trainer::memory() const {
  const auto buffer = static_cast<Index>(parameters_.size_bytes());
  return {.activations = bytes_of(workers_),
          .gradients = static_cast<Index>(reducer_.blocks().size()) * buffer + accumulator_.bytes(),
          .parameters = (average_memory_ ? 2 : 1) * buffer,
          .optimizer = std::ssize(updater_.state()) * layout_.owned(topology_.ranks().rank()) *
                       static_cast<Index>(sizeof(Real))};
}

void Trainer::gather_state(const TakeState& take) {
  const Index most = std::ssize(gathered_.segment_of<Real>(0));
  for (std::size_t slot = 0; slot < updater_.state().size(); ++slot) {
    for (Index begin = 0; begin < layout_.size(); begin += most) {
      const Range range{begin, std::min(begin + most, layout_.size())};
      const std::span<Real> values =
          gathered_.segment_of<Real>(0).first(static_cast<std::size_t>(range.size()));
      exchange_.gather(range, updater_.state()[slot].span(), values);
      if (topology_.ranks().rank() == 0) take(slot, range, values);
      topology_.heartbeat().beat();
      topology_.barrier().pass(0);  // the next part takes its place
    }
  }
}

void Trainer::restore(std::uint64_t steps_done, std::span<const Real> parameters,
                      std::span<const Buffer<Real>> optimizer_state) {
  assert(optimizer_state.size() == updater_.state().size());
  steps_done_ = steps_done;
  if (topology_.leads()) std::ranges::copy(parameters, parameters_.begin());
  for (std::size_t slot = 0; slot < optimizer_state.size(); ++slot) {
    exchange_.pick(optimizer_state[slot].span(), updater_.state()[slot].span());
  }
  topology_.barrier().pass(0);
  updater_.seal(parameters_);
  copies_.seal_anew(parameters_);
}

}  // namespace lockstep
