#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "lockstep/io/appended_file.hpp"
#include "lockstep/run/events.hpp"
#include "lockstep/run/manifest.hpp"
#include "lockstep/run/metrics_log.hpp"
#include "lockstep/run/run.hpp"
#include "lockstep/run/run_directory.hpp"
#include "run/audience.hpp"

namespace lockstep {

/// What a run leaves beside its checkpoints, and whom it tells: its directory with the
/// configuration, STATUS, manifest.json, metrics.jsonl and log.txt, and the observers. Rank 0 only,
/// but for `tell_stalled`; on other ranks it stays empty.
class RunRecords {
 public:
  /// `observer` is told before the metrics file, and must outlive it.
  explicit RunRecords(Observer& observer) { audience_.add(observer); }
  RunRecords(const RunRecords&) = delete;
  RunRecords& operator=(const RunRecords&) = delete;

  /// Takes the directory of a run of this name.
  /// Errors: as `RunDirectory::create`.
  void open(const RunRequest& request, const std::string& name);
  [[nodiscard]] bool is_open() const { return directory_.has_value(); }
  /// Requires is_open().
  [[nodiscard]] const RunDirectory& directory() const { return *directory_; }
  /// Writes the configuration as given and as resolved, begins a segment after `first_step` steps,
  /// and sets STATUS to running. Requires is_open().
  /// Errors: cannot_create, io, or bad_data for a manifest that is none.
  void begin(const std::string& config, const std::string& resolved_config, ManifestFacts facts,
             std::uint64_t first_step);
  /// Closes the segment, sets STATUS, and tells the observers, even if the records cannot be
  /// written: the end counts more. Does nothing once another process has taken the directory.
  void end(const RunEnd& end);

  /// The path of the directory; empty if none is open, in a dry run.
  [[nodiscard]] std::string path() const;
  /// The number of the segment, from 1.
  [[nodiscard]] int segment() const { return manifest_ ? manifest_->segment() : 1; }
  /// What people are told goes there, too; none before `begin`.
  [[nodiscard]] const std::shared_ptr<AppendedFile>& log() const { return log_; }
  /// All who are to be told of what happens.
  [[nodiscard]] Observer& observers() { return audience_; }

  /// The last words of a watchdog: says on standard error and in STATUS that the job has stalled,
  /// and why, and ends the process with ExitCode::stalled, within seconds whatever hangs. On any
  /// thread, of any rank.
  [[noreturn]] void tell_stalled(const std::string& why) const;

 private:
  [[nodiscard]] bool owns_directory() const;

  std::optional<RunDirectory> directory_;
  std::atomic<const RunDirectory*> published_ = nullptr;  // the same, for the watchdog's thread
  std::optional<Manifest> manifest_;
  std::optional<MetricsLog> metrics_;
  std::shared_ptr<AppendedFile> log_;
  ObserverList audience_;
};

}  // namespace lockstep
