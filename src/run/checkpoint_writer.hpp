#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <optional>
#include <string>

#include "lockstep/comm/heartbeat.hpp"
#include "lockstep/config/config.hpp"
#include "lockstep/run/checkpoint.hpp"
#include "lockstep/run/checkpoint_store.hpp"
#include "lockstep/run/events.hpp"
#include "lockstep/run/run_directory.hpp"
#include "run/save_pace.hpp"

namespace lockstep {

/// A checkpoint that is to be written.
struct SaveDraft {
  std::uint64_t step = 0;
  std::optional<std::uint64_t> best_step;  ///< of the best validation so far
  std::optional<CheckpointDraft> file;     ///< with all of the state
  std::string failure;                     ///< why there is no file
};

/// The last checkpoint of a run that is known to be complete.
struct SavedCheckpoint {
  std::uint64_t step = 0;
  std::string digest;  ///< of the state
  std::string file;    ///< relative to the run's directory; empty while it is the one that this
                       ///< start resumed from; a later one if only its links could not be made
};

/// Writes the checkpoints of one run: in the foreground, or on a thread of its own while training
/// goes on; keeps the links latest.h5 and best.h5; counts the saves that fail in a row. Rank 0
/// only, and it never communicates.
class CheckpointWriter {
 public:
  /// `directory` and `observer` must outlive it, and so must the network of every draft. With
  /// `rollback_steps` the newest checkpoint of a multiple of so many steps is always kept. While a
  /// save is waited for, `heartbeat` beats as often as a piece of it is written.
  CheckpointWriter(const RunDirectory& directory, const config::Checkpoint& config,
                   std::uint64_t rollback_steps, Heartbeat heartbeat, Observer& observer);

  /// The distance to the next save by time counts from now on.
  void restart_pace(double now) { pace_.restart(now); }
  /// Whether a save is due by time.
  [[nodiscard]] bool is_due(const Cadence& cadence, double now) const {
    return pace_.is_due(cadence, now);
  }

  /// Writes a checkpoint whose save began at `begin`; `finish` comes before. It is complete on
  /// return if `to_the_end`; otherwise it may still be written meanwhile.
  /// Errors: cannot_create if the directory was lost; as `finish`.
  void save(SaveDraft draft, double begin, bool to_the_end);
  /// Waits for the save under way, if there is one, and tells the observer what became of it.
  /// Errors: io once `max_failed_saves` in a row have failed; cannot_create if one failed and the
  /// directory was lost.
  void finish();
  /// The same without errors.
  void settle();
  /// The same, but only if it is complete: does not wait.
  void settle_if_done();

  [[nodiscard]] bool holds(std::uint64_t step) const { return store_.holds(step); }
  /// Not a save under way.
  [[nodiscard]] const SavedCheckpoint& last() const { return last_; }

  /// The newest intact checkpoint of a multiple of `every` steps, once the save under way is
  /// complete; the observer is warned of those that are not.
  /// Errors: as `finish` and `CheckpointStore::newest`.
  [[nodiscard]] std::optional<StoredCheckpoint> newest(std::uint64_t every);
  /// A segment begins with the state of a checkpoint, `step` and `digest`: checkpoints of later
  /// steps are set aside, and the links lead to what is left.
  /// Errors: cannot_create.
  void resume_at(std::uint64_t step, std::string digest, std::optional<std::uint64_t> best_step);
  /// The run went back within its segment, to a checkpoint that `newest` returned. Else as above.
  void go_back_to(std::uint64_t step, std::string digest, std::optional<std::uint64_t> best_step);

 private:
  /// A checkpoint that was written, or could not be.
  struct Outcome {
    CheckpointEvent event;
    std::string failure;  ///< empty: it is complete
  };
  [[nodiscard]] Outcome write(SaveDraft draft, double begin);
  void link(std::uint64_t latest, std::optional<std::uint64_t> best_step) const;
  void set_aside_after(std::uint64_t step, std::optional<std::uint64_t> best_step) const;
  void require_directory() const;
  void await() const;

  const RunDirectory& directory_;
  const CheckpointStore store_;
  const Index max_failed_saves_;
  const std::uint64_t rollback_steps_;
  const Heartbeat heartbeat_;
  Observer& observer_;
  SavePace pace_;
  Index failed_ = 0;  // in a row
  SavedCheckpoint last_;
  std::atomic<std::uint64_t> pieces_ = 0;  // of the file under way; any thread
  std::future<Outcome> saving_;            // last: its destructor waits
};

}  // namespace lockstep
