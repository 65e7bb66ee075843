#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/launch/processors.hpp"
#include "lockstep/base/types.hpp"

namespace lockstep::cli {

/// A machine to start ranks on.
struct Host {
  std::string name;
  int slots = 0;  ///< ranks that it takes; 0: as its processors allow

  bool operator==(const Host&) const = default;
};

/// "a:2,b" as hosts.
/// Errors: usage.
[[nodiscard]] std::vector<Host> hosts_of(const std::string& list);
/// The hosts of a file of Open MPI's form: a line for each, "NAME slots=N", comments after #.
/// Errors: as read_file; usage.
[[nodiscard]] std::vector<Host> hosts_in(const std::filesystem::path& file);

/// What a job may use, and what was asked for.
struct LaunchRequest {
  int ranks = 0;              ///< 0: one for each processor, at most `most_ranks`
  int threads = 0;            ///< of each rank; 0: as the processors allow
  Index most_ranks = 8;       ///< microbatches of a batch
  std::vector<Host> hosts{};  ///< none: this machine
  Processors processors{};    ///< of this machine; other hosts are taken to be like it
};

/// How the ranks of a job are placed.
struct Placement {
  int ranks = 1;
  int threads = 1;
  bool bound = false;    ///< each thread has a core of its own
  std::string reason{};  ///< for people, in one line
};

/// The slots of all machines together.
[[nodiscard]] int slots_of(const LaunchRequest& request);

/// Ranks x threads = processors, as far as the request leaves that open. Ranks are bound to cores
/// if they fill the machine: on one that has room for more, another job would be bound to the same.
[[nodiscard]] Placement place(const LaunchRequest& request);

/// The same within an allocation of Slurm, which has fixed `tasks` and `cpus` of each (0: not).
[[nodiscard]] Placement place_in_slurm(const LaunchRequest& request, int tasks, int cpus);

/// The launcher's words before those of the program.
[[nodiscard]] std::vector<std::string> mpirun_words(const std::string& mpirun,
                                                    const Placement& placement,
                                                    const LaunchRequest& request);
[[nodiscard]] std::vector<std::string> srun_words(const std::string& srun,
                                                  const Placement& placement);

/// The ranks to go on with when machines or processors were lost: no more than the slots that are
/// left, or as many for each slot as before if it was more than one.
[[nodiscard]] int ranks_that_fit(int ranks, int slots_before, int slots_now);

}  // namespace lockstep::cli
