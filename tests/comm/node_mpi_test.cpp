// What the ranks of a node share: memory, gates, and who is whose proxy_on.
#include <gtest/gtest.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <numeric>
#include <thread>
#include <vector>

#include "lockstep/base/clock.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/comm/all_gather_board.hpp"
#include "lockstep/comm/node_barriers.hpp"
#include "lockstep/comm/shared_memory.hpp"
#include "lockstep/comm/topology.hpp"

namespace lockstep {
namespace {

double cpu_seconds() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

TEST(Topology, NumbersTheRanksNodeByNode) {
  const Communicator world(MPI_COMM_WORLD);
  const std::vector<int> sizes{1, 2};
  const Topology topology(world, sizes);
  EXPECT_EQ(topology.nodes(), world.size() / 2 + 1);
  EXPECT_EQ(topology.first_rank(topology.nodes()), world.size());
  EXPECT_EQ(topology.node_of(0), 0);
  EXPECT_EQ(topology.node().size(), topology.node_size(topology.my_node()));
  EXPECT_EQ(topology.ranks().rank(), world.rank());  // as the launcher placed them
  EXPECT_EQ(topology.leads(), world.rank() == topology.first_rank(topology.my_node()));
}

// Every slice is handled exactly once on every node.
TEST(Topology, EveryRankHasOneDeputyOnEveryNode) {
  const Communicator world(MPI_COMM_WORLD);
  const std::vector<std::vector<int>> layouts{{}, {1}, {2}, {1, 2}, {3, 1}};
  for (const auto& sizes : layouts) {
    const Topology topology(world, sizes);
    for (int node = 0; node < topology.nodes(); ++node) {
      for (int rank = 0; rank < world.size(); ++rank) {
        EXPECT_EQ(topology.node_of(topology.proxy_on(node, rank)), node);
      }
    }
    const std::vector<int> mine = topology.proxied_ranks();
    for (const int proxied_rank : mine) {
      EXPECT_EQ(topology.proxy_on(topology.my_node(), proxied_rank), world.rank());
    }
    const auto count = static_cast<double>(mine.size());
    std::vector<double> proxied_ranks(static_cast<std::size_t>(world.size()));
    world.all_gather({&count, 1}, proxied_ranks);
    EXPECT_EQ(std::accumulate(proxied_ranks.begin(), proxied_ranks.end(), 0.0),
              topology.nodes() * world.size());
  }
}

TEST(SharedMemory, OneRankWritesAndAllRead) {
  const Communicator world(MPI_COMM_WORLD);
  SharedMemory memory(world, world, 1000 * (world.rank() + 1));
  for (int rank = 0; rank < world.size(); ++rank) {
    const std::span<std::byte> segment = memory.segment(rank);
    EXPECT_EQ(segment.size(), static_cast<std::size_t>(1000 * (rank + 1)));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(segment.data()) % kAlignment, 0u);
    EXPECT_EQ(segment.back(), std::byte{0});
  }
  world.barrier();
  memory.segment(world.rank())[7] = static_cast<std::byte>(world.rank() + 1);
  world.barrier();
  for (int rank = 0; rank < world.size(); ++rank) {
    EXPECT_EQ(memory.segment(rank)[7], static_cast<std::byte>(rank + 1));
  }
}

TEST(SharedMemory, MoreThanThereIsIsRefusedByAll) {
  const Communicator world(MPI_COMM_WORLD);
  if (world.size() == 1) return;  // takes its own memory
  try {
    const SharedMemory memory(world, world, Index{1} << 50);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::system);
    EXPECT_NE(std::string_view(error.what()).find("shared memory"), std::string_view::npos);
    EXPECT_NE(std::string_view(error.what()).find("osc_sm_backing_directory"),
              std::string_view::npos);
  }
}

TEST(NodeBarriers, GatesOpenWhenAllHaveArrivedRoundAfterRound) {
  const Communicator world(MPI_COMM_WORLD);
  SharedMemory memory(world, world, sizeof(int));
  NodeBarriers gates(world, world, 3);
  int& mine = memory.segment_of<int>(world.rank())[0];
  for (int round = 1; round <= 200; ++round) {
    mine = round;
    gates.arrive(round % 2);
    gates.arrive(2);
    EXPECT_TRUE(gates.wait(round % 2).has_value());
    for (int rank = 0; rank < world.size(); ++rank) {
      EXPECT_EQ(memory.segment_of<int>(rank)[0], round);
    }
    EXPECT_TRUE(gates.wait(2).has_value());
    (void)gates.arrive_and_wait(round % 2 == 0 ? 1 : 0);
  }
}

TEST(NodeBarriers, WaitingSleepsAndNamesTheLast) {
  const Communicator world(MPI_COMM_WORLD);
  if (world.size() == 1) return;
  NodeBarriers gates(world, world, 1);
  const int late = world.size() - 1;
  if (world.rank() == late) std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const double cpu = cpu_seconds();
  const Wait wait = gates.arrive_and_wait(0);
  if (world.rank() == late) return;
  EXPECT_EQ(wait.rank, late);
  EXPECT_GT(wait.seconds, 0.2);
  EXPECT_LT(cpu_seconds() - cpu, 0.1) << "it polls";
}

TEST(NodeBarriers, ABoundedWaitComesBack) {
  const Communicator world(MPI_COMM_WORLD);
  if (world.size() == 1) return;
  NodeBarriers gates(world, world, 2);
  if (world.rank() == 0) {
    gates.arrive(0);
    const double start = now_seconds();
    EXPECT_FALSE(gates.wait(0, 0.02).has_value());
    EXPECT_GE(now_seconds() - start, 0.02) << "naps in between are no end";
    EXPECT_FALSE(gates.is_open(0));
    gates.arrive(1);
    EXPECT_TRUE(gates.wait(0).has_value());
  } else {
    (void)gates.arrive_and_wait(1);
    gates.arrive(0);
    EXPECT_TRUE(gates.wait(0).has_value());
  }
}

// Its receiver must be in MPI from time to time, or a large message never ends.
TEST(NodeBarriers, WhoSleepsServesTheMessagesUnderWay) {
  const Communicator world(MPI_COMM_WORLD);
  if (world.size() == 1) return;
  std::vector<std::byte> bytes(1u << 20);
  NodeBarriers gates(world, world, 1);
  RequestSet requests(world, 1);
  if (world.rank() == 0) requests.receive(bytes, 1, 7, 0);
  if (world.rank() == 1) {
    requests.send(bytes, 0, 7, 0);
    for (const double end = now_seconds() + 10; !requests.empty() && now_seconds() < end;) {
      (void)requests.test_some();
    }
    EXPECT_TRUE(requests.empty()) << "the receiver sleeps";
  }
  gates.arrive(0);
  EXPECT_TRUE(gates.wait(0).has_value());
  requests.wait_all();
}

TEST(NodeBarriers, SleepsWithoutNapsOnceAllOfTheJobHaveMet) {
  const Communicator world(MPI_COMM_WORLD);
  const Topology one_node(world);
  one_node.barrier().arrive_and_wait(0);
  EXPECT_TRUE(world.traffic().quiet());
  (void)one_node.ranks().any(false);
  EXPECT_FALSE(world.traffic().quiet());
  one_node.barrier().arrive_and_wait(0);
  EXPECT_TRUE(world.traffic().quiet());
  const std::vector<int> sizes{1};
  const Topology several(world, sizes);
  several.barrier().arrive_and_wait(0);
  EXPECT_EQ(world.traffic().quiet(), world.size() == 1);
}

TEST(AllGatherBoard, ShowsEveryRankWhatEachWrote) {
  const Communicator world(MPI_COMM_WORLD);
  const std::vector<std::vector<int>> layouts{{}, {1}, {1, 2}};
  for (const auto& nodes : layouts) {
    const Topology topology(world, nodes);
    std::vector<Index> sizes;
    for (int rank = 0; rank < world.size(); ++rank) sizes.push_back(rank + 1);
    AllGatherBoard board(topology, sizes);
    for (int round = 0; round < 5; ++round) {
      for (double& x : board.mine()) x = 10 * round + world.rank();
      (void)topology.barrier().arrive_and_wait(0);
      board.all_gather();
      for (int rank = 0; rank < world.size(); ++rank) {
        EXPECT_EQ(board.of(rank).size(), static_cast<std::size_t>(rank + 1));
        for (const double x : board.of(rank)) EXPECT_EQ(x, 10 * round + rank);
      }
      (void)topology.barrier().arrive_and_wait(0);
    }
  }
}

}  // namespace
}  // namespace lockstep
