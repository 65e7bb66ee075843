#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "lockstep/run/events.hpp"

namespace lockstep {

/// Where one rank runs.
struct RankPlace {
  std::string node;
  std::string cpus;             ///< what `affinity_list` said there
  std::string instruction_set;  ///< of the mathematics there
};

/// What only the caller of a Manifest knows about this start.
struct ManifestFacts {
  std::vector<std::string> command_line;
  int threads = 1;                                  ///< per rank
  std::vector<RankPlace> ranks;                     ///< in rank order
  std::map<std::string, std::string> data_digests;  ///< "train", "val": hexadecimal
};

/// One start or resume of a run.
struct ManifestSegment {
  std::uint64_t first_step = 0;  ///< steps done before it
  std::uint64_t last_step = 0;   ///< steps done when it ended
  double seconds = 0;
  int ranks = 1;
  int threads = 1;
  std::string status{};  ///< "running", "done", "preempted" or "failed"
  std::string reason{};  ///< one sentence unless done
};

/// The file manifest.json in a run directory: what is needed to repeat the run, and its segments.
/// It describes the latest start; segments of earlier ones are kept. Rank 0 only.
class Manifest {
 public:
  /// Adds a running segment behind those that the file has, and writes the file. A segment that
  /// was left running is taken as failed: its process was killed.
  /// Errors: bad_data if there is a file that is no manifest; cannot_create or io.
  Manifest(const Directory& directory, ManifestFacts facts, std::uint64_t first_step);

  /// The number of the running segment, from 1.
  [[nodiscard]] int segment() const { return static_cast<int>(segments_.size()); }

  /// Closes the running segment and writes the file.
  /// Errors: cannot_create or io.
  void end(const RunEnd& end);

 private:
  void write() const;

  Directory directory_;
  ManifestFacts facts_;
  std::vector<ManifestSegment> segments_;
};

/// The CPUs that the calling thread may run on, as Linux writes them: "0-3,8"; empty if unknown.
[[nodiscard]] std::string affinity_list();

}  // namespace lockstep
