#include "lockstep/train/sharded_optimizer.hpp"

#include "lockstep/comm/node_barriers.hpp"

namespace lockstep {

ShardedOptimizer::ShardedOptimizer(const Topology& topology, const ParameterTable& table,
                                   const Optimizer& optimizer, const BucketLayout& layout,
                                   const UpdaterOptions& options)
    : topology_(topology), updater_(table, optimizer, layout, topology.ranks().rank(), options) {
  if (optimizer.trust_ratio() != nullptr) norms_.emplace(topology, updater_.counts());
}

void ShardedOptimizer::step(std::span<Real> parameters, std::span<const Real* const> gradient,
                            const Update& update, Index samples, StepMonitor& monitor) {
  monitor.enter(Phase::update);
  if (!norms_) return updater_.update(parameters, gradient, update, samples, {});
  updater_.prepare(parameters, gradient, update, norms_->mine());
  monitor.lap(Part::update);
  const Wait wait = topology_.barrier().arrive_and_wait(0);
  norms_->all_gather();
  monitor.lap(Part::exposed, wait);
  updater_.update(parameters, gradient, update, samples, norms_->all());
}

}  // namespace lockstep
