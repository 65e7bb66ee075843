#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "lockstep/io/digest.hpp"

namespace lockstep {

/// Who holds something else than the others.
struct Dissent {
  std::vector<int> ranks;  ///< in order; empty: all agree
  bool certain = true;     ///< false if as many ranks hold one thing as another
};

/// What most of the ranks hold is taken for right; of equally many, what the lowest rank holds.
[[nodiscard]] inline Dissent dissent_among(std::span<const int> ranks,
                                           std::span<const Digest> digests) {
  const auto votes = [&](const Digest& digest) { return std::ranges::count(digests, digest); };
  const Digest* right = &digests.front();
  for (const Digest& digest : digests) {
    if (votes(digest) > votes(*right)) right = &digest;
  }
  Dissent dissent;
  for (std::size_t i = 0; i < digests.size(); ++i) {
    if (digests[i] == *right) continue;
    dissent.ranks.push_back(ranks[i]);
    dissent.certain = dissent.certain && votes(digests[i]) < votes(*right);
  }
  return dissent;
}

}  // namespace lockstep
