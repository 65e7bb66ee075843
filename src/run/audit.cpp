#include "run/audit.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace lockstep {
namespace {

/// What one rank has of something.
struct Vote {
  int rank;
  Digest digest;
};

std::string named(std::span<const int> ranks, std::span<const std::string> hosts) {
  std::string names;
  for (const int rank : ranks) {
    names += fmt::format("{}rank {} on {}", names.empty() ? "" : " and ", rank,
                         hosts[static_cast<std::size_t>(rank)]);
  }
  return names;
}

std::optional<std::string> dissent(std::span<const Vote> votes, std::span<const std::string> hosts,
                                   const char* what) {
  const auto count = [&](const Digest& digest) {
    return std::ranges::count(votes, digest, &Vote::digest);
  };
  const Vote right = std::ranges::max(votes, {}, [&](const Vote& v) { return count(v.digest); });
  std::vector<int> ranks;
  bool certain = true;
  for (const Vote& vote : votes) {
    if (vote.digest == right.digest) continue;
    ranks.push_back(vote.rank);
    certain = certain && count(vote.digest) < count(right.digest);
  }
  if (ranks.empty()) return std::nullopt;
  return fmt::format("{} {} than {} others\n  suspect {} memory or processor", named(ranks, hosts),
                     what, certain ? "most" : "as many", certain ? "that" : "either side's");
}

}  // namespace

std::string changed_in_memory(std::span<const int> ranks, std::span<const std::string> hosts) {
  return fmt::format(
      "the parameters or the optimizer state of {} changed between two updates\n"
      "  suspect the memory of that machine",
      named(ranks, hosts));
}

std::optional<std::string> disagreement_of(std::span<const AuditRecord> evidence,
                                           std::span<const std::string> hosts) {
  std::vector<int> changed;
  std::vector<Vote> held, computed;
  for (std::size_t r = 0; r < evidence.size(); ++r) {
    const int rank = static_cast<int>(r);
    if (!evidence[r].intact) changed.push_back(rank);
    if (evidence[r].parameters) held.push_back({rank, *evidence[r].parameters});
    if (evidence[r].gradient) computed.push_back({rank, *evidence[r].gradient});
  }
  if (!changed.empty()) return changed_in_memory(changed, hosts);
  // Other parameters give other gradients, too.
  if (auto finding = held.empty() ? std::nullopt : dissent(held, hosts, "holds other parameters")) {
    return finding;
  }
  if (computed.empty()) return std::nullopt;
  return dissent(computed, hosts, "computes another gradient of the same microbatch");
}

}  // namespace lockstep
