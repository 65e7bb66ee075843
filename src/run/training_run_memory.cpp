// What a run takes of memory: what it has, and what a save will add.
#include <algorithm>

#include "lockstep/run/run_info.hpp"
#include "run/training_run.hpp"

namespace lockstep {

// The numbers of a checkpoint, as its file has them and rank 0 holds them until that is complete.
Index TrainingRun::bytes_of_save() const {
  Index numbers = 0;
  for (const Parameter& p : setup_.network->parameters().parameters()) numbers += p.spec.size();
  return (1 + std::ssize(state_slots(setup_))) * numbers * static_cast<Index>(sizeof(Real));
}

// Of the rank and the node that take most. What is planned was taken by now, down to the last page,
// so that the system can tell what it comes to; only a save takes more. Collective.
MemoryUse TrainingRun::most_memory() const {
  MemoryUse mine = trainer_->memory();
  mine.activations += evaluator_->bytes();
  for (const SharedDataset* data : {&setup_.data->train_data, &setup_.data->val_data}) {
    if (*data) mine.data += (*data)->describe().storage_bytes();
  }
  for (const auto* stream : {&setup_.data->train_stream, &setup_.data->val_stream}) {
    if (*stream) mine.data += (*stream)->bytes();
  }
  const ProcessMemory process = process_memory();
  mine.node = process.now;
  mine.most = process.most;
  std::vector<MemoryUse> all(static_cast<std::size_t>(world_.size()));
  world_.all_gather(std::as_bytes(std::span(&mine, 1)), std::as_writable_bytes(std::span(all)));

  MemoryUse most;
  for (int node = 0; node < topology_.nodes(); ++node) {
    MemoryUse sum;
    for (int r = topology_.first_rank(node); r < topology_.first_rank(node + 1); ++r) {
      const MemoryUse& rank = all[static_cast<std::size_t>(r)];
      sum.node += rank.node;
      sum.most += rank.most;
      most.activations = std::max(most.activations, rank.activations);
      most.gradients = std::max(most.gradients, rank.gradients);
      most.optimizer = std::max(most.optimizer, rank.optimizer);
    }
    if (node == 0) sum.most = std::max(sum.most, sum.node + bytes_of_save());
    most.node = std::max(most.node, sum.node);
    most.most = std::max(most.most, sum.most);
  }
  most.parameters = mine.parameters;
  most.data = mine.data;
  return most;
}

}  // namespace lockstep
