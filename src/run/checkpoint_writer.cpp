#include "run/checkpoint_writer.hpp"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <utility>

#include "lockstep/base/blocked_signals.hpp"
#include "lockstep/base/clock.hpp"
#include "lockstep/base/current_error.hpp"
#include "lockstep/run/run_files.hpp"

namespace lockstep {
namespace {

std::string path_of(const std::string& name) {
  return fmt::format("{}/{}", kCheckpointFolder, name);
}

}  // namespace

CheckpointWriter::CheckpointWriter(const RunDirectory& directory, const config::Checkpoint& config,
                                   std::uint64_t rollback_steps, Heartbeat heartbeat,
                                   Observer& observer)
    : directory_(directory),
      store_(directory.checkpoints(), config.keep),
      max_failed_saves_(config.max_failed_saves),
      rollback_steps_(rollback_steps),
      heartbeat_(heartbeat),
      observer_(observer),
      pace_(config.overhead) {
  pace_.restart(now_seconds());
}

void CheckpointWriter::save(SaveDraft draft, double begin, bool to_the_end) {
  require_directory();
  const bool in_background = pace_.begin(begin) && !to_the_end;
  {
    const BlockedSignals blocked;
    const auto task = [this, begin, held = std::make_shared<SaveDraft>(std::move(draft))] {
      return write(std::move(*held), begin);
    };
    // Where no thread can be made, the save is made here.
    saving_ = std::async(std::launch::async | std::launch::deferred, task);
  }
  const bool here = saving_.wait_for(std::chrono::seconds(0)) == std::future_status::deferred;
  if (here || !in_background) finish();
  pace_.note_stop(now_seconds() - begin);
}

void CheckpointWriter::finish() {
  settle();
  if (failed_ > 0) require_directory();  // it may have failed because of that
  if (failed_ < max_failed_saves_) return;
  throw Error(ExitCode::io, fmt::format("{} checkpoint{} in a row could not be written", failed_,
                                        failed_ == 1 ? "" : "s"));
}

void CheckpointWriter::settle() {
  if (!saving_.valid()) return;
  await();
  const Outcome outcome = saving_.get();
  pace_.note_end(outcome.event.seconds);
  if (!outcome.event.file.empty()) last_.file = outcome.event.file;
  if (!outcome.failure.empty()) {
    ++failed_;
    observer_.on_warning("checkpoint not written: " + outcome.failure);
    return;
  }
  failed_ = 0;
  last_.step = outcome.event.step;
  last_.digest = outcome.event.digest;
  observer_.on_checkpoint(outcome.event);
}

void CheckpointWriter::settle_if_done() {
  if (!saving_.valid()) return;
  if (saving_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) settle();
}

// While pieces get on the rank does, too. It needs nobody, and nobody needs it in MPI for longer
// than that.
void CheckpointWriter::await() const {
  constexpr std::chrono::milliseconds kLook(200);
  std::uint64_t seen = pieces_.load();
  while (saving_.wait_for(kLook) == std::future_status::timeout) {  // not if it is made here
    const std::uint64_t now = pieces_.load();
    if (now != std::exchange(seen, now)) heartbeat_.beat();
  }
}

// On a thread of its own: it changes nothing of the run but its directory.
CheckpointWriter::Outcome CheckpointWriter::write(SaveDraft draft, double begin) {
  Outcome outcome;
  outcome.event.step = draft.step;
  outcome.failure = draft.failure;
  try {
    if (!draft.file) return outcome;
    const CheckpointImage image = std::move(*draft.file).finish();
    outcome.event.digest = image.state_digest;
    outcome.event.bytes = static_cast<Index>(image.bytes.size());
    directory_.require_ownership();
    const auto path = store_.save(draft.step, image.bytes, draft.best_step, rollback_steps_,
                                  [this] { pieces_.fetch_add(1); });
    outcome.event.file = path_of(path.filename().string());
    link(draft.step, draft.best_step);
  } catch (...) {
    outcome.failure = current_error().what();
  }
  outcome.event.seconds = now_seconds() - begin;
  return outcome;
}

void CheckpointWriter::link(std::uint64_t latest, std::optional<std::uint64_t> best_step) const {
  const auto link = [this](const std::string& name, std::uint64_t step) {
    if (store_.holds(step)) directory_.link(name, CheckpointStore::file_name(step));
  };
  link(kLatestLink, latest);
  if (best_step) link(kBestLink, *best_step);
}

// What cannot be seen here fails the save.
void CheckpointWriter::require_directory() const {
  try {
    directory_.require_ownership();
  } catch (const Error& error) {
    if (error.code() != ExitCode::io) throw;
  }
}

std::optional<StoredCheckpoint> CheckpointWriter::newest(std::uint64_t every) {
  directory_.require_ownership();
  finish();
  std::vector<std::string> rejected;
  std::optional<StoredCheckpoint> stored = store_.newest(rejected, every);
  for (const std::string& reason : rejected) observer_.on_warning(reason);
  return stored;
}

void CheckpointWriter::resume_at(std::uint64_t step, std::string digest,
                                 std::optional<std::uint64_t> best_step) {
  last_ = {.step = step, .digest = std::move(digest), .file = {}};
  set_aside_after(step, best_step);
}

void CheckpointWriter::go_back_to(std::uint64_t step, std::string digest,
                                  std::optional<std::uint64_t> best_step) {
  // The file that it named before is about to be set aside.
  last_ = {
      .step = step, .digest = std::move(digest), .file = path_of(CheckpointStore::file_name(step))};
  set_aside_after(step, best_step);
  pace_.restart(now_seconds());
}

void CheckpointWriter::set_aside_after(std::uint64_t step,
                                       std::optional<std::uint64_t> best_step) const {
  directory_.require_ownership();
  store_.set_aside_after(step);
  link(step, best_step);  // the last process may have died before it could
}

}  // namespace lockstep
