#include "lockstep/base/scratch.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>

namespace lockstep {
namespace {

struct Pieces {
  Pieces(Scratch& s, Index rows)
      : flags(s.take<char>(rows)),
        sums(s.take<double>(rows)),
        order(s.take<Index>(rows)),
        values(s.take<Real>(2 * rows)) {}

  std::span<char> flags;
  std::span<double> sums;
  std::span<Index> order;
  std::span<Real> values;
};

Index distance(const void* from, const void* to) {
  return static_cast<const char*>(to) - static_cast<const char*>(from);
}

TEST(Scratch, CountsWhatItCarves) {
  for (const Index rows : {0, 1, 7, 8, 64, 1000}) {
    const Index size = Scratch::size_of<Pieces>(rows);
    Buffer<Real> memory(size);
    Scratch scratch(memory.span());
    const Pieces pieces(scratch, rows);
    EXPECT_EQ(scratch.size(), size);
    EXPECT_EQ(std::ssize(pieces.values), 2 * rows);
    EXPECT_LE(distance(memory.data(), pieces.values.data() + 2 * rows),
              size * static_cast<Index>(sizeof(Real)));
  }
}

TEST(Scratch, PiecesAreAlignedAndLieApart) {
  constexpr Index kRows = 9;
  Buffer<Real> memory(Scratch::size_of<Pieces>(kRows));
  Scratch scratch(memory.span());
  const Pieces p(scratch, kRows);
  for (const void* piece :
       {static_cast<const void*>(p.flags.data()), static_cast<const void*>(p.sums.data()),
        static_cast<const void*>(p.order.data()), static_cast<const void*>(p.values.data())}) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(piece) % kAlignment, 0u);
  }
  EXPECT_EQ(distance(p.flags.data(), p.sums.data()), 64);
  EXPECT_EQ(distance(p.sums.data(), p.order.data()), 128);
  EXPECT_EQ(distance(p.order.data(), p.values.data()), 128);
}

TEST(Scratch, HoldsWholeNumbersThatNoFloatHolds) {
  Buffer<Real> memory(Scratch::size_of<Pieces>(Index{4}));
  Scratch scratch(memory.span());
  const Pieces p(scratch, 4);
  std::iota(p.order.begin(), p.order.end(), (Index{1} << 40) + 1);
  EXPECT_EQ(p.order[3] - p.order[0], 3);
}

TEST(Scratch, CountingGivesNoMemory) {
  Scratch scratch = Scratch::counting();
  EXPECT_TRUE(scratch.take<Real>(5).empty());
  EXPECT_EQ(scratch.size(), aligned<Real>(5));
}

TEST(Scratch, EachThreadHasItsOwnPart) {
  set_thread_count(3);
  Scratch count = Scratch::counting();
  count.take_for_threads(3, 5);
  Buffer<Real> memory(count.size());
  parallel_for(64, [&](Index) {
    const std::span<Real> own = scratch_of_thread(memory.span());
    EXPECT_EQ(std::ssize(own), aligned<Real>(5));
    EXPECT_EQ(own.data() - memory.data(), thread_number() * aligned<Real>(5));
  });
  set_thread_count(1);
}

}  // namespace
}  // namespace lockstep
