#pragma once

// Experiments that were never made, with figures that are easy to check by hand.

#include "cli/scale/scaling_report.hpp"

namespace lockstep::cli {

/// A plan of these ranks with one thread each, for a machine of `processors`.
inline ScalingPlan plan_for(const std::vector<int>& ranks, int processors, int repeats = 2,
                            ScalingMode mode = ScalingMode::strong) {
  ScalingPlan plan{.request = {.config_file = "mlp.toml",
                               .ranks = ranks,
                               .mode = mode,
                               .repeats = repeats,
                               .steps = 50,
                               .warmup = 10},
                   .name = "mlp",
                   .batch = 100,
                   .microbatches = 8,
                   .length = "run.epochs=61",
                   .processors = {.usable = processors, .bindable = processors},
                   .mpirun = "/usr/bin/mpirun",
                   .trainer = "/usr/bin/trainer"};
  for (const int count : ranks) plan.points.push_back({count, 1});
  plan.runs = interleaved(plan.points, repeats);
  return plan;
}

/// A run that took so long, half of it backward, a tenth exposed, the rest other.
inline Measurement measured(int ranks, int repeat, double step_seconds,
                            const std::string& digest = "d1") {
  Measurement measurement{.run = {{ranks, 1}, repeat},
                          .step_seconds = step_seconds,
                          .digest = digest,
                          .machine = "CPU on host"};
  measurement.shares[static_cast<std::size_t>(Part::backward)] = 0.5;
  measurement.shares[static_cast<std::size_t>(Part::exposed)] = 0.1;
  measurement.shares[static_cast<std::size_t>(Part::other)] = 0.4;
  return measurement;
}

/// Two runs of each of 1, 2 and 4 ranks on two processors: 10, 6 and 8 ms.
inline ScalingReport small_report() {
  return report_on(plan_for({1, 2, 4}, 2),
                   {measured(1, 1, 0.010), measured(2, 1, 0.006), measured(4, 1, 0.008),
                    measured(4, 2, 0.008), measured(1, 2, 0.010), measured(2, 2, 0.006)});
}

}  // namespace lockstep::cli
