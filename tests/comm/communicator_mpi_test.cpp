#include "lockstep/comm/communicator.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace lockstep {
namespace {

TEST(Communicator, MessagesArriveInOrderWithTheirLabels) {
  const Communicator world(MPI_COMM_WORLD);
  RequestSet set(world, static_cast<std::size_t>(4 * world.size()));
  std::vector<double> in(static_cast<std::size_t>(world.size()), -1);
  std::vector<double> out(1, world.rank());
  for (int r = 0; r < world.size(); ++r) {
    const std::span place(&in[static_cast<std::size_t>(r)], 1);
    set.receive(std::as_writable_bytes(place), r, 5, r);
    set.send(std::as_bytes(std::span(out)), r, 5, -1);
  }
  int labels = 0;
  while (!set.empty()) {
    for (const int label : set.wait_some()) labels += label >= 0 ? 1 : 0;
  }
  EXPECT_EQ(labels, world.size());
  for (int r = 0; r < world.size(); ++r) EXPECT_EQ(in[static_cast<std::size_t>(r)], r);
  EXPECT_TRUE(set.wait_some().empty());
}

// As counts beyond 2^31 do with the default limit.
TEST(Communicator, LongMessagesTravelInPieces) {
  Communicator world(MPI_COMM_WORLD);
  world.limit_messages(1000);
  EXPECT_EQ(world.pieces(0), 1);
  EXPECT_EQ(world.pieces(1000), 1);
  EXPECT_EQ(world.pieces(12'345), 13);
  const int next = (world.rank() + 1) % world.size();
  const int before = (world.rank() + world.size() - 1) % world.size();
  std::vector<std::uint8_t> out(12'345), in(12'345);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<std::uint8_t>(i * 7 + static_cast<std::size_t>(world.rank()));
  }
  RequestSet set(world, 26);
  set.receive(std::as_writable_bytes(std::span(in)), before, 6, 1);
  set.send(std::as_bytes(std::span(out)), next, 6, 2);
  int received = 0;
  while (!set.empty()) {
    for (const int label : set.wait_some()) received += label == 1 ? 1 : 0;
  }
  EXPECT_EQ(received, 13);
  for (std::size_t i = 0; i < in.size(); ++i) {
    ASSERT_EQ(in[i], static_cast<std::uint8_t>(i * 7 + static_cast<std::size_t>(before)));
  }
  std::vector<int> numbers(5000, world.rank() == 0 ? 9 : 0);
  world.broadcast(std::as_writable_bytes(std::span(numbers)), 0);
  EXPECT_EQ(numbers, std::vector<int>(5000, 9));
}

TEST(Communicator, CollectivesAgree) {
  const Communicator world(MPI_COMM_WORLD);
  EXPECT_TRUE(world.any(world.rank() == world.size() - 1));
  EXPECT_FALSE(world.any(false));
  EXPECT_EQ(world.minimum(10 + world.rank()), 10);
  std::vector<float> ones(5, 1);
  world.all_reduce(ones);
  EXPECT_EQ(ones, std::vector<float>(5, static_cast<float>(world.size())));
  std::vector<int> bytes(3, world.rank() == 0 ? 7 : 0);
  world.broadcast(std::as_writable_bytes(std::span(bytes)), 0);
  EXPECT_EQ(bytes, std::vector<int>(3, 7));

  std::vector<int> counts, starts;
  int total = 0;
  for (int r = 0; r < world.size(); ++r) {
    starts.push_back(total);
    counts.push_back(r + 1);
    total += r + 1;
  }
  const std::vector<double> mine(static_cast<std::size_t>(world.rank() + 1), world.rank());
  std::vector<double> all(static_cast<std::size_t>(total));
  world.all_gather(mine, counts, starts, all);
  EXPECT_EQ(all.back(), world.size() - 1);
  EXPECT_EQ(all.front(), 0);
}

TEST(Communicator, SplitsIntoGroups) {
  const Communicator world(MPI_COMM_WORLD);
  const Communicator half = world.split(world.rank() % 2, world.rank());
  EXPECT_EQ(half.size(), (world.size() + 1 - world.rank() % 2) / 2);
  EXPECT_EQ(world.split_by_node().size(), world.size());
}

}  // namespace
}  // namespace lockstep
