// How the state of a run gets to the disk: gathered on rank 0 while all ranks stand at one step,
// and written by a thread of rank 0, for which training waits or not.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "lockstep/base/blocked_signals.hpp"
#include "lockstep/base/current_error.hpp"
#include "lockstep/comm/agreement.hpp"
#include "run/training_run.hpp"

namespace lockstep {

// Rank 0 decides. A distance in time grows until the stop is no more than its share.
bool TrainingRun::saves_again(const Cadence& cadence) const {
  const double since = now_seconds() - last_save_;
  return cadence.after_seconds(since) && save_stopped_ <= config().checkpoint.overhead * since;
}

// What is to be written but the state, or why it cannot. Rank 0 only.
TrainingRun::Draft TrainingRun::draft() const {
  Draft draft;
  Checkpoint facts;
  facts.info = info_;
  facts.info.step = draft.step = trainer_->steps_done();
  facts.progress = draft.progress = progress_;
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
void TrainingRun::gather(Draft& draft) {
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

// Collective. True if the checkpoint of this step is complete, which is sure only `to_the_end`:
// otherwise it may be written while training goes on. If it cannot be written the run goes on, too,
// a few times.
bool TrainingRun::save(bool to_the_end) {
  topology_.heartbeat().enter(Phase::checkpoint);
  trainer_->clock().lap(Part::other);
  const double begin = now_seconds();
  on_root(world_, [&] { finish_save(); });
  Draft state = root() ? draft() : Draft();
  gather(state);
  on_root(world_, [&] { begin_save(std::move(state), begin, to_the_end); });
  const bool complete = world_.any(root() && saved_step_ == trainer_->steps_done());
  trainer_->clock().lap(Part::checkpoint);
  topology_.heartbeat().enter(Phase::between);
  return complete;
}

// Rank 0 only. Errors: cannot_create if the directory was lost; what cannot be seen here fails the
// save.
void TrainingRun::require_directory() const {
  try {
    directory_->require_ownership();
  } catch (const Error& error) {
    if (error.code() != ExitCode::io) throw;
  }
}

// Rank 0 only.
void TrainingRun::begin_save(Draft state, double begin, bool to_the_end) {
  require_directory();
  const double distance = begin - std::exchange(last_save_, begin);
  const bool in_background = save_took_ > config().checkpoint.overhead * distance && !to_the_end;
  {
    const BlockedSignals blocked;
    const auto task = [this, begin, held = std::make_shared<Draft>(std::move(state))] {
      return write(std::move(*held), begin);
    };
    // Where no thread can be made, the save is made here.
    saving_ = std::async(std::launch::async | std::launch::deferred, task);
  }
  const bool here = saving_.wait_for(std::chrono::seconds(0)) == std::future_status::deferred;
  if (here || !in_background) finish_save();
  save_stopped_ = now_seconds() - begin;
}

// Rank 0 only.
void TrainingRun::finish_save() {
  report_save();
  if (failed_saves_ > 0) require_directory();  // it may have failed because of that
  if (failed_saves_ < config().checkpoint.max_failed_saves) return;
  throw Error(ExitCode::io, fmt::format("{} checkpoint{} in a row could not be written",
                                        failed_saves_, failed_saves_ == 1 ? "" : "s"));
}

// On a thread of its own: it changes nothing of the run but its directory.
TrainingRun::Save TrainingRun::write(Draft state, double begin) const {
  Save save;
  save.event.step = state.step;
  save.failure = state.failure;
  try {
    if (!state.file) return save;
    const CheckpointImage image = std::move(*state.file).finish();
    save.event.digest = image.state_digest;
    save.event.bytes = static_cast<Index>(image.bytes.size());
    const std::optional<std::uint64_t> best =
        state.progress.best ? std::optional(state.progress.best->step) : std::nullopt;
    directory_->require_ownership();
    const auto path = store_->save(state.step, image.bytes, best, rollback_steps(),
                                   [this] { saved_pieces_.fetch_add(1); });
    save.event.file = "checkpoints/" + path.filename().string();
    link_checkpoints(state.step, state.progress);
  } catch (...) {
    save.failure = current_error().what();
  }
  save.event.seconds = now_seconds() - begin;
  return save;
}

void TrainingRun::link_checkpoints(std::uint64_t latest, const Progress& progress) const {
  const auto link = [this](const std::string& name, std::uint64_t step) {
    if (store_->holds(step)) directory_->link(name, CheckpointStore::file_name(step));
  };
  link("latest.h5", latest);
  if (progress.best) link("best.h5", progress.best->step);
}

bool TrainingRun::save_is_done() const {
  return saving_.valid() && saving_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

// While pieces get on the rank does, too. It needs nobody, and nobody needs it in MPI for longer
// than that.
void TrainingRun::await_save() const {
  constexpr std::chrono::milliseconds kLook(200);
  std::uint64_t seen = saved_pieces_.load();
  while (saving_.wait_for(kLook) == std::future_status::timeout) {  // not if it is made here
    const std::uint64_t now = saved_pieces_.load();
    if (now != std::exchange(seen, now)) topology_.heartbeat().beat();
  }
}

// Waits for the save under way, if there is one, and tells what became of it. Rank 0 only.
void TrainingRun::report_save() {
  if (!saving_.valid()) return;
  await_save();
  const Save save = saving_.get();
  save_took_ = save.event.seconds;
  if (!save.event.file.empty()) saved_file_ = save.event.file;
  if (!save.failure.empty()) {
    ++failed_saves_;
    audience_.on_warning("checkpoint not written: " + save.failure);
    return;
  }
  failed_saves_ = 0;
  saved_step_ = save.event.step;
  saved_digest_ = save.event.digest;
  audience_.on_checkpoint(save.event);
}

}  // namespace lockstep
