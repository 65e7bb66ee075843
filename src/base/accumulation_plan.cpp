#include "lockstep/base/accumulation_plan.hpp"

#include <algorithm>
#include <cassert>

#include "lockstep/base/caches.hpp"

namespace lockstep {
namespace {

constexpr double kBusy = 0.75;

std::vector<MicrobatchRange> cut(MicrobatchRange share, Index parts) {
  std::vector<MicrobatchRange> cuts;
  const Index count = std::min(parts, share.count);
  for (Index i = 0; i < count; ++i) {
    const MicrobatchRange part = microbatches_of(i, count, share.count);
    cuts.push_back({share.first + part.first, part.count});
  }
  return cuts;
}

// Microbatches that the busiest threads compute one after the other, if each computes its own.
Index steps_of(Index count, Index rounds, int threads) {
  Index steps = 0;
  for (const MicrobatchRange& round : cut({0, count}, rounds))
    steps += pieces_of(round.count, threads);
  return steps;
}

bool keeps_busy(Index count, Index rounds, int threads) {
  const Index steps = steps_of(count, rounds, threads);
  return static_cast<double>(count) >= kBusy * static_cast<double>(steps * threads);
}

}  // namespace

AccumulationPlan cut_into_rounds(MicrobatchRange share, Index rounds, int threads) {
  assert(rounds >= 1);
  const bool apart = keeps_busy(share.count, std::min(rounds, share.count), threads);
  AccumulationPlan cuts;
  for (const MicrobatchRange& round : cut(share, rounds))
    cuts.push_back(cut(round, apart ? threads : 1));
  return cuts;
}

Index rounds_for_speed(Index count, Index activations, Index parameters, int threads) {
  const Index half = caches().second / 2 / static_cast<Index>(sizeof(Real));
  const Index useful = activations / (threads * std::max(parameters, half));
  const Index most = std::clamp<Index>(useful, 1, std::max<Index>(count / threads, 1));
  Index best = 1;
  for (Index rounds = 2; rounds <= most; ++rounds) {
    if (steps_of(count, rounds, threads) <= steps_of(count, best, threads)) best = rounds;
  }
  return best;
}

Index most_samples(const AccumulationPlan& rounds, Index samples, Index microbatches) {
  Index most = 0;
  for (const std::vector<MicrobatchRange>& parts : rounds) {
    for (const MicrobatchRange& part : parts) {
      // A smaller batch is rounded elsewhere, and may give a part one sample more than its due.
      most = std::max(most, samples_in(part, samples, microbatches) + 1);
    }
  }
  return most;
}

Index most_microbatches(const AccumulationPlan& rounds) {
  Index most = 0;
  for (const std::vector<MicrobatchRange>& parts : rounds) {
    for (const MicrobatchRange& part : parts) most = std::max(most, part.count);
  }
  return most;
}

Index most_parts(const AccumulationPlan& rounds) {
  Index most = 0;
  for (const std::vector<MicrobatchRange>& parts : rounds) most = std::max(most, std::ssize(parts));
  return most;
}

}  // namespace lockstep
