#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/config/settings.hpp"

namespace lockstep::config {

// Each field is the key of the same name; its meaning, range and default stand in
// src/config/keys.cpp and in `trainer config explain SECTION.KEY`.

struct Run {
  std::string name;
  Index seed = 0;
  std::optional<Index> epochs;  ///< exactly one of epochs and steps is given
  std::optional<Index> steps;
};

struct Data {
  std::string type;
  std::string train;
  std::optional<std::string> train_labels;
  std::optional<std::string> val;
  std::optional<std::string> val_labels;
  double holdout = 0;
  Index batch = 0;  ///< GLOBAL
  bool shuffle = true;
  std::string normalize;
  std::vector<double> mean;       ///< empty if not given
  std::vector<double> deviation;  ///< the key `std`; as long as mean
  std::string normalize_targets;
  std::string header;
  std::string delimiter;
  Column target;
  Column weights = "";
  std::string inputs;
  std::string targets;
  std::optional<std::string> layout;  ///< absent: nhwc
  std::optional<Index> ignore_label;
  Index memory = 0;  ///< bytes; 0: no limit
  std::string label_pattern;
  double seconds = 0;
  std::string features;
  double window = 0;
  double hop = 0;
  Index mel_bands = 0;
  std::string symbols;
  Index context = 0;
  Index stride = 0;
};

struct Parallel {
  Index microbatches = 0;  ///< 0: chosen at the first start
  Index accumulation = 0;  ///< rounds over a rank's share; 0: as many as are fast
  Index threads = 0;       ///< 0: what the affinity mask gives
  Index bucket = 0;        ///< bytes
  bool overlap = true;
};

struct Checkpoint {
  Interval every;
  Index keep = 0;
  std::string best;
  double overhead = 0;  ///< share of the time
  Index max_failed_saves = 0;
};

struct Eval {
  Interval every;
};

/// What is done about a step whose loss or gradient is of no use.
struct Divergence {
  std::string action;
  double spike = 0;  ///< 0: only what is not finite
  Index limit = 0;
  double rate_factor = 0.5;
};

struct Audit {
  Interval every;
  std::string action;
};

/// When a run ends before its last step.
struct Stop {
  std::string metric;
  Index patience = 0;  ///< 0: never
  double min_delta = 0;
  double gradient_norm = 0;  ///< 0: never
  Index steps = 1;
};

struct Log {
  Interval every;
};

struct Watchdog {
  Interval limit;        ///< in seconds; 0: off
  Interval slow_limit;   ///< in seconds
  double straggler = 0;  ///< 0: never
};

/// What the network's input is called in `from`.
inline constexpr std::string_view kInputName = "input";

/// A whole configuration: every value checked and with its default filled in.
struct Config {
  Run run;
  Data data;
  std::vector<Settings> augmentations;
  std::vector<Settings> layers;
  Settings loss;
  Settings optimizer;
  Settings schedule;
  Parallel parallel;
  Checkpoint checkpoint;
  Eval eval;
  Stop stop;
  Divergence divergence;
  Audit audit;
  Log log;
  Watchdog watchdog;

  std::string file;                                  ///< where it was read from
  std::map<std::string, Place, std::less<>> places;  ///< of the fixed keys: "run.seed"

  /// The settings of the typed section "layer", "augment", "loss", "optimizer" or "schedule"; one
  /// of each but the first two.
  [[nodiscard]] std::span<const Settings> settings(std::string_view section) const;
  /// What is wrong with a fixed key, pointing at it: throw config.error("data.target", "no column
  /// 'y' in ...").
  [[nodiscard]] LocatedError error(std::string_view path, std::string_view message) const;
};

}  // namespace lockstep::config
