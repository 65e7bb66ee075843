#include "lockstep/base/parallel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "lockstep/base/buffer.hpp"

namespace lockstep {
namespace {

TEST(ParallelFor, VisitsEveryIndexOnceOnEveryNumberOfThreads) {
  for (int threads = 1; threads <= 4; ++threads) {
    set_thread_count(threads);
    EXPECT_EQ(thread_count(), threads);
    std::vector<int> visits(1000, 0);
    parallel_for(1000, [&](Index i) { ++visits[static_cast<std::size_t>(i)]; });
    EXPECT_EQ(visits, std::vector<int>(1000, 1));
  }
  set_thread_count(1);
}

TEST(ParallelFor, WhoWorksAloneKnowsItsThread) {
  for (int threads = 1; threads <= 4; ++threads) {
    set_thread_count(threads);
    std::vector<int> seen(static_cast<std::size_t>(threads), -1);
    std::atomic<int> there = 0;
    parallel_for_alone(threads, [&](Index i, int thread) {
      ++there;
      while (there < threads) std::this_thread::yield();  // so each has a thread of its own
      seen[static_cast<std::size_t>(i)] = thread;
      EXPECT_EQ(thread_count(), 1);
      parallel_for(3, [&](Index) { EXPECT_EQ(thread_number(), 0); });
    });
    std::ranges::sort(seen);
    for (int i = 0; i < threads; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i);
    EXPECT_EQ(thread_count(), threads);
  }
  set_thread_count(1);
}

TEST(ParallelFor, EachThreadAloneTakesItsOwn) {
  set_thread_count(3);
  for (const Index count : {0, 1, 3}) {
    std::vector<int> threads(3, -1);
    each_thread_alone(count, [&](Index i) {
      EXPECT_EQ(thread_count(), 1);
      threads[static_cast<std::size_t>(i)] = omp_get_thread_num();
    });
    for (Index i = 0; i < 3; ++i) {
      EXPECT_EQ(threads[static_cast<std::size_t>(i)], i < count ? i : -1);
    }
  }
  set_thread_count(1);
}

TEST(ParallelFor, CutsTilesAtFixedPlaces) {
  std::vector<Index> begins(3, -1), ends(3, -1);
  parallel_for_tiles(25, 10, [&](Index begin, Index end) {
    begins[static_cast<std::size_t>(begin / 10)] = begin;
    ends[static_cast<std::size_t>(begin / 10)] = end;
  });
  EXPECT_EQ(begins, (std::vector<Index>{0, 10, 20}));
  EXPECT_EQ(ends, (std::vector<Index>{10, 20, 25}));
}

}  // namespace
}  // namespace lockstep
