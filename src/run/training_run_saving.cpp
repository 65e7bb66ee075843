// How the state of a run gets to the disk: gathered on rank 0 while all ranks stand at one step,
// and left to its writer there.
#include <utility>

#include "lockstep/base/clock.hpp"
#include "lockstep/base/current_error.hpp"
#include "lockstep/comm/agreement.hpp"
#include "lockstep/run/run_info.hpp"
#include "run/training_run.hpp"

namespace lockstep {

// So that there is always something to go back to. Collective.
void TrainingRun::save_initial() {
  if (!policy_->may_go_back()) return;
  const bool missing = world_.any(root() && !writer_->holds(trainer_->steps_done()));
  if (missing && all_finite()) save(false);
}

std::optional<std::uint64_t> TrainingRun::best_step() const {
  return progress_.best ? std::optional(progress_.best->step) : std::nullopt;
}

// What is to be written but the state, or why it cannot. Rank 0 only.
SaveDraft TrainingRun::draft() const {
  SaveDraft draft;
  draft.step = trainer_->steps_done();
  draft.best_step = best_step();
  Checkpoint facts;
  facts.info = plan_->info;
  facts.info.step = draft.step;
  facts.progress = progress_;
  facts.inputs = setup_.data->inputs;
  facts.targets = setup_.data->targets;
  try {
    draft.file.emplace(facts, *setup_.network, state_slots(setup_));
  } catch (...) {
    draft.failure = current_error().what();
  }
  return draft;
}

// Collective.
void TrainingRun::gather(SaveDraft& draft) {
  if (!world_.any(draft.file.has_value())) return;
  if (root()) {
    const std::span<const Real> parameters = trainer_->parameters();
    draft.file->set(CheckpointDraft::kParameters, {0, std::ssize(parameters)}, parameters);
    topology_.heartbeat().beat();
  }
  trainer_->gather_state([&](std::size_t slot, Range range, std::span<const Real> values) {
    draft.file->set(1 + slot, range, values);
  });
}

// Collective. The checkpoint of this step is complete only if it is saved `to_the_end`: otherwise
// it may be written while training goes on, and if it cannot be written the run goes on, too, a few
// times. Errors: AgreedError(io) if that was the last one, or one too many.
void TrainingRun::save(bool to_the_end) {
  topology_.heartbeat().enter(Phase::checkpoint);
  trainer_->clock().lap(Part::other);
  const double begin = now_seconds();
  run_on_root(world_, [&] { writer_->finish(); });
  SaveDraft state = root() ? draft() : SaveDraft();
  gather(state);
  run_on_root(world_, [&] { writer_->save(std::move(state), begin, to_the_end); });
  const bool complete = world_.any(root() && writer_->last().step == trainer_->steps_done());
  trainer_->clock().lap(Part::checkpoint);
  topology_.heartbeat().enter(Phase::between);
  if (complete || !to_the_end) return;
  const std::string newest = root() ? writer_->last().file : "";
  throw AgreedError(ExitCode::io,
                    "the last checkpoint could not be written; the newest "
                    "complete one is " +
                        (newest.empty() ? "of an earlier start" : newest));
}

}  // namespace lockstep
