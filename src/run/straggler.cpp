#include <fmt/format.h>

#include <algorithm>

#include "lockstep/run/events.hpp"

namespace lockstep {
namespace {

/// Seconds of work within which a rank may be slow by accident.
constexpr double kShort = 1;

}  // namespace

std::string straggler(const TimesEvent& event, double factor) {
  if (factor <= 0 || event.ranks.size() < 2) return {};
  const auto slowest = std::ranges::max_element(
      event.ranks, {}, [](const RankTimes& rank) { return rank.times.work(); });
  std::vector<double> others;
  for (const RankTimes& rank : event.ranks) {
    if (rank.rank != slowest->rank) others.push_back(rank.times.work());
  }
  std::ranges::sort(others);
  const double median = (others[(others.size() - 1) / 2] + others[others.size() / 2]) / 2;
  const double work = slowest->times.work();
  if (work < kShort || work < factor * median) return {};
  return fmt::format(
      "rank {} on {} is a straggler: its work took {:.1f} s in {} steps up to step {}, {:.1f} "
      "times as long as that of the other ranks, which wait for it",
      slowest->rank, slowest->node, work, event.steps, event.step, work / std::max(median, 1e-12));
}

}  // namespace lockstep
