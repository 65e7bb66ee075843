#include "lockstep/train/consensus.hpp"

#include <algorithm>

namespace lockstep {
namespace {

constexpr std::size_t kSumsPerMicrobatch = MetricSums{}.size();
constexpr std::size_t kVotes = 3;  // stop, save, changed

std::vector<Index> report_sizes(int ranks, Index microbatches) {
  std::vector<Index> sizes;
  for (int rank = 0; rank < ranks; ++rank) {
    sizes.push_back(static_cast<Index>(kVotes) + microbatches_of(rank, ranks, microbatches).count *
                                                     static_cast<Index>(kSumsPerMicrobatch));
  }
  return sizes;
}

}  // namespace

Consensus::Consensus(const Topology& topology, Index microbatches)
    : topology_(topology),
      microbatches_(microbatches),
      share_(microbatches_of(topology.ranks().rank(), topology.ranks().size(), microbatches)),
      reports_(topology, report_sizes(topology.ranks().size(), microbatches)) {}

void Consensus::vote(Votes votes, bool changed) {
  const std::span<double> out = reports_.mine();
  out[0] = votes.stop ? 1 : 0;
  out[1] = votes.save ? 1 : 0;
  out[2] = changed ? 1 : 0;
}

void Consensus::add_loss(MicrobatchRange microbatches, std::span<const MetricSums> sums) {
  const auto before = static_cast<std::size_t>(microbatches.first - share_.first);
  auto at = reports_.mine().subspan(kVotes + before * kSumsPerMicrobatch).begin();
  for (const MetricSums& s : sums) at = std::ranges::copy(s, at).out;
}

void Consensus::exchange(StepResult& result) {
  reports_.all_gather();
  const int ranks = topology_.ranks().size();
  for (int rank = 0; rank < ranks; ++rank) {
    const std::span<const double> report = reports_.of(rank);
    result.votes.stop |= report[0] != 0;
    result.votes.save |= report[1] != 0;
    if (report[2] != 0) result.changed.push_back(rank);
    const MicrobatchRange share = microbatches_of(rank, ranks, microbatches_);
    for (std::size_t m = 0; m < static_cast<std::size_t>(share.count); ++m) {
      for (std::size_t i = 0; i < kSumsPerMicrobatch; ++i) {
        result.sums[i] += report[kVotes + m * kSumsPerMicrobatch + i];
      }
    }
  }
}

}  // namespace lockstep
