#include "lockstep/base/passes.hpp"

#include <algorithm>
#include <cassert>

namespace lockstep {

std::vector<Share> cut_for_passes(Share share, Index passes) {
  assert(passes >= 1);
  std::vector<Share> parts;
  const Index count = std::min(passes, share.count);
  for (Index pass = 0; pass < count; ++pass) {
    const Share part = share_of(pass, count, share.count);
    parts.push_back({share.first + part.first, part.count});
  }
  return parts;
}

Index most_samples(const std::vector<Share>& parts, Index samples, Index microbatches) {
  Index most = 0;
  for (const Share& part : parts) {
    // A smaller batch is rounded elsewhere, and may give a part one sample more than its due.
    most = std::max(most, share_samples(part, samples, microbatches) + 1);
  }
  return most;
}

Index most_microbatches(const std::vector<Share>& parts) {
  Index most = 0;
  for (const Share& part : parts) most = std::max(most, part.count);
  return most;
}

}  // namespace lockstep
