// After the first step no call of ours allocates memory: every `operator new` of the process is
// counted.
#include <gtest/gtest.h>

#include "allocation_counter.hpp"
#include "io/hdf5_testing.hpp"
#include "io/testing.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/data/formats.hpp"
#include "train/small_problem.hpp"

namespace lockstep {
namespace {

long allocations_in_steps(const Optimizer& optimizer, const TrainerOptions& options,
                          const std::vector<int>& node_sizes, const Loss* loss = nullptr) {
  const Communicator all(MPI_COMM_WORLD);
  const Topology world(all, node_sizes);
  const SmallProblem problem;
  std::vector<std::unique_ptr<Augmentation>> changes;
  changes.push_back(noise(0.1));
  changes.push_back(mask({.bands = 3}));
  const Augmenter augmenter(std::move(changes), problem.data.shape(), problem.identity, 1);
  Samples samples = problem.samples;
  samples.augmenter = &augmenter;
  Trainer trainer(world, problem.network, loss == nullptr ? *problem.loss : *loss, optimizer,
                  samples, options);
  trainer.step(0.05, {}, true);
  const long before = allocations;
  for (int i = 0; i < 20; ++i) trainer.step(0.05, {}, i % 2 == 0);  // over the end of an epoch
  return allocations - before;
}

TEST(NoAllocation, AfterTheFirstStep) {
  const auto momentum = sgd({.momentum = 0.9});
  const auto adam = adamw();
  const auto layerwise = lamb();
  const std::vector<std::vector<int>> layouts{{}, {1}, {1, 2}};  // one node, equal ones, unequal
  for (const auto& nodes : layouts) {
    for (int threads = 1; threads <= 2; ++threads) {
      set_thread_count(threads);
      EXPECT_EQ(
          allocations_in_steps(*momentum, {.batch = 32, .microbatches = 8, .bucket = 1024}, nodes),
          0);
      EXPECT_EQ(allocations_in_steps(
                    *momentum, {.batch = 32, .microbatches = 8, .ema = 0.9, .rounds = 3}, nodes),
                0);
      EXPECT_EQ(allocations_in_steps(*layerwise,
                                     {.batch = 31, .microbatches = 7, .decay_all = false}, nodes),
                0);
      EXPECT_EQ(allocations_in_steps(
                    *adam, {.batch = 31, .microbatches = 7, .clip_norm = 0.1, .bucket = 1}, nodes),
                0);
    }
  }
  set_thread_count(1);
}

TEST(NoAllocation, InALossWithAllItsOptions) {
  const auto loss =
      cross_entropy({.label_smoothing = 0.1f, .class_weights = {0.5f, 2, 1.25f}, .top_k = 2});
  const auto momentum = sgd({.momentum = 0.9});
  EXPECT_EQ(allocations_in_steps(*momentum, {.batch = 32, .microbatches = 8}, {}, loss.get()), 0);
}

// Neither does the thread that reads.
TEST(NoAllocation, OfAStreamedSet) {
  const Communicator all(MPI_COMM_WORLD);
  const Topology world(all);
  const TemporaryDirectory directory;
  Source source;
  source.path = directory / "a.h5";
  source.inputs_name = "x";
  source.targets_name = "y";
  source.memory = 20000;
  write_hdf5_set(source.path, 1003, 12, 3);
  Dataset data = load(source);
  const SmallProblem problem;
  Samples samples{&data, Subset::whole(data.size()), &problem.identity, &problem.identity};
  InputStream stream(world, data, samples.subset);
  samples.stream = &stream;
  const auto rule = sgd({});
  Trainer trainer(world, problem.network, *problem.loss, *rule, samples,
                  {.batch = 32, .microbatches = 8});
  trainer.step(0.01, {}, false);
  const long before = allocations;
  for (int i = 0; i < 40; ++i) trainer.step(0.01, {}, false);
  EXPECT_EQ(allocations - before, 0);
}

TEST(NoAllocation, TheCounterCounts) {
  const long before = allocations;

  const Buffer<Real> buffer(100);
  EXPECT_GE(allocations - before, 1);
}

}  // namespace
}  // namespace lockstep
