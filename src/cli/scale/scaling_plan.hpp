#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/launch/processors.hpp"
#include "lockstep/base/types.hpp"

namespace lockstep::cli {

/// strong: the same problem on any number of ranks; weak: a batch that grows with the ranks.
enum class ScalingMode { strong, weak };

/// What is measured: so many ranks of so many threads.
struct ScalingPoint {
  int ranks = 1;
  int threads = 1;

  [[nodiscard]] int processors() const { return ranks * threads; }
  bool operator==(const ScalingPoint&) const = default;
};

/// "4 x 1".
[[nodiscard]] std::string point_text(const ScalingPoint& point);

/// One measurement to make.
struct ScalingRun {
  ScalingPoint point;
  int repeat = 1;

  /// "np4-t1-3".
  [[nodiscard]] std::string name() const;
  bool operator==(const ScalingRun&) const = default;
};

/// What the user asks for.
struct ScalingRequest {
  std::string config_file{};
  std::vector<std::string> assignments{};  ///< of --set
  std::vector<int> ranks{};
  std::vector<int> threads{1};
  ScalingMode mode = ScalingMode::strong;
  int repeats = 5;
  Index steps = 50;  ///< that are timed
  Index warmup = 10;
  std::string mpirun = "mpirun";
};

/// A checked request, and all that follows from it.
struct ScalingPlan {
  ScalingRequest request;
  std::string name;        ///< run.name of the configuration
  Index batch = 0;         ///< of one rank in weak mode, else of all
  Index microbatches = 0;  ///< likewise
  std::string length;      ///< KEY=VALUE that makes a run longer than the steps wanted
  Processors processors{};
  std::string mpirun;                  ///< its file
  std::string trainer;                 ///< this program
  std::vector<ScalingPoint> points{};  ///< fewest processors first
  std::vector<ScalingRun> runs{};      ///< in the order in which they are made

  [[nodiscard]] Index steps() const { return request.warmup + request.steps; }
  [[nodiscard]] Index batch_of(const ScalingPoint& point) const;
  [[nodiscard]] Index microbatches_of(const ScalingPoint& point) const;
  /// Threads for each processor: above 1 the point says nothing about scaling.
  [[nodiscard]] double load_of(const ScalingPoint& point) const;
  /// Whether each thread gets a core of its own.
  [[nodiscard]] bool binds(const ScalingPoint& point) const;
};

/// Checks a request and lays out the runs: each repeat visits all points in another order, always
/// the same ones, so that a machine that slows down slows down all points.
/// Errors: usage, no_input, config; system if there is no mpirun.
[[nodiscard]] ScalingPlan plan_scaling(const ScalingRequest& request);

/// The points in an order of its own for each repeat.
[[nodiscard]] std::vector<ScalingRun> interleaved(const std::vector<ScalingPoint>& points,
                                                  int repeats);

/// The command line of one run, which writes to `directory`.
[[nodiscard]] std::vector<std::string> command_of(const ScalingPlan& plan, const ScalingRun& run,
                                                  const std::filesystem::path& directory);

}  // namespace lockstep::cli
