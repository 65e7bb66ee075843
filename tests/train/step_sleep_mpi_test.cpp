// A job of one node sends no messages while it learns: who waits for others sleeps without naps.
#include <gtest/gtest.h>
#include <mpi.h>

#include <chrono>
#include <thread>

#include "lockstep/comm/node_barriers.hpp"
#include "train/small_problem.hpp"

namespace {
int probes = 0;
}  // namespace

// What ends each nap, see Traffic::drive.
extern "C" int MPI_Iprobe(int source, int tag, MPI_Comm communicator, int* flag,
                          MPI_Status* status) {
  ++probes;
  return PMPI_Iprobe(source, tag, communicator, flag, status);
}

namespace lockstep {
namespace {

void be_late(const Communicator& world) {
  if (world.rank() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

TEST(StepSleep, OnOneNodeWhoWaitsSleepsWithoutNaps) {
  const Communicator world(MPI_COMM_WORLD);
  const Topology one_node(world);
  const SmallProblem problem;
  const auto rule = lamb();
  Trainer trainer(one_node, problem.network, *problem.loss, *rule, problem.samples,
                  {.batch = 32, .microbatches = 8, .clip_norm = 0.1, .bucket = 1024});
  trainer.step(0.05, {}, true);
  const int before = probes;
  for (int i = 0; i < 10; ++i) {  // over the end of an epoch
    be_late(world);
    trainer.step(0.05, {}, true);
  }
  EXPECT_EQ(probes, before);
  static_cast<void>(one_node.ranks().any(false));  // which is a message
  be_late(world);
  one_node.barrier().arrive_and_wait(0);
  if (world.rank() > 0) {
    EXPECT_GT(probes, before);
  }
}

}  // namespace
}  // namespace lockstep
