#include "lockstep/reduce/block_sum.hpp"

#include <algorithm>

#include "lockstep/base/ordered_sum.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/reduce/bucket_layout.hpp"

namespace lockstep {

BlockSum::BlockSum(Index microbatches)
    : each_(OrderedSum::memory_for(microbatches, BucketLayout::kGranule)),
      scratch_(thread_count() * each_) {}

// Granule by granule, so that the partial sums stay in the first-level cache. Two sources that make
// a pair are read side by side: memory answers two streams sooner than one after the other.
void BlockSum::operator()(std::span<const Source> sources, Index offset, Index size, Real* out) {
  parallel_for_tiles(size, BucketLayout::kGranule, [&](Index begin, Index end) {
    OrderedSum sum(scratch_.span(thread_number() * each_, each_), end - begin);
    for (std::size_t s = 0; s < sources.size(); ++s) {
      const Source& source = sources[s];
      const Real* const values = source.values + offset;
      if (s + 1 < sources.size() && OrderedSum::is_pair(source.block, sources[s + 1].block)) {
        const Real* const others = sources[++s].values + offset;
        Real* const to = sum.next().data();
        for (Index i = begin; i < end; ++i) to[i - begin] = values[i] + others[i];
        sum.push({source.block.first, 2 * source.block.count});
        continue;
      }
      if (const std::span<Real> pair = sum.partner(source.block); !pair.empty()) {
        for (Index i = begin; i < end; ++i) pair[static_cast<std::size_t>(i - begin)] += values[i];
        sum.merged(source.block);
      } else {
        std::copy(values + begin, values + end, sum.next().begin());
        sum.push(source.block);
      }
    }
    std::ranges::copy(sum.finish(), out + begin);
  });
}

}  // namespace lockstep
