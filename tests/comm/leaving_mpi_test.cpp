// A rank that leaves with an error as soon as it has opened a gate, while another, slow, looks
// whether those it waits for still live.
#include <gtest/gtest.h>
#include <mpi.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "lockstep/comm/node_barriers.hpp"

namespace {

std::atomic<bool> slow = false;

void sleep_milliseconds(int count) {
  std::this_thread::sleep_for(std::chrono::milliseconds(count));
}

}  // namespace

// What a rank calls between two naps, before it looks at the others.
extern "C" int MPI_Iprobe(int from, int tag, MPI_Comm group, int* found, MPI_Status* status) {
  if (slow.exchange(false)) sleep_milliseconds(300);
  return PMPI_Iprobe(from, tag, group, found, status);
}

namespace lockstep {
namespace {

TEST(Leaving, WhoeverHasOpenedAGateMayGo) {
  const Communicator all(MPI_COMM_WORLD);
  const Communicator node = all.split_by_node();
  std::string ended_with;
  try {
    NodeBarriers gates(all, node, 1);
    node.barrier();  // a message, for which ranks sleep in naps
    slow = node.rank() > 0;
    if (node.rank() == 0) sleep_milliseconds(100);
    gates.arrive(0);
    if (node.rank() > 0) gates.wait(0);
    throw std::runtime_error("an error");
  } catch (const std::exception& error) {
    ended_with = error.what();
  }
  EXPECT_EQ(ended_with, "an error");
  if (node.rank() > 0) {
    EXPECT_FALSE(slow) << "nobody was slow: the test shows nothing";
  }
}

}  // namespace
}  // namespace lockstep
