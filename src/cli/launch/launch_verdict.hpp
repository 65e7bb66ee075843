#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace lockstep::cli {

/// What a run directory tells about how its run stands.
struct RunRecord {
  std::string status;      ///< STATUS, as in "failed 74 disk full"; empty if there is none
  std::int64_t time = 0;   ///< when it was written, in nanoseconds
  std::uint64_t step = 0;  ///< the last that is known to have been done
  std::optional<std::uint64_t> checkpoint{};  ///< step of the newest one, by its name

  /// The run has said how it stands since then.
  [[nodiscard]] bool is_newer_than(const RunRecord& before) const {
    return !status.empty() && time != before.time;
  }
};

/// Reads STATUS, the end of metrics.jsonl, and the names of the checkpoints; what is not there is
/// left out.
[[nodiscard]] RunRecord read_record(const std::filesystem::path& directory);

/// The exit code of a job: what STATUS says if the job has written it, and otherwise what the
/// launcher left with, which is no more than a hint: Open MPI's leaves with 0 after some aborts,
/// with 1 when it was told to end, and with that of any rank.
[[nodiscard]] int verdict(const RunRecord& before, const RunRecord& after, int launcher_code);

/// Codes with which no run of ours leaves: mpirun or srun itself failed, or a shell on its way.
[[nodiscard]] bool is_launchers_own(int code);

/// Whether a job that left with this code may do better when it is started again: not after
/// success, after a stop that was asked for, or on wrong input, which would be wrong again.
[[nodiscard]] bool may_do_better(int code);

}  // namespace lockstep::cli
