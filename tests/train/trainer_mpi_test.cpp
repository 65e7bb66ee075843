// The contract: parameters after any step are the same bits for every number of ranks and threads.
// Each rank of a group is compared with a group of one rank that trains the same.
#include "lockstep/train/trainer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "lockstep/base/error.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/train/evaluator.hpp"
#include "train/small_problem.hpp"

namespace lockstep {
namespace {

constexpr int kSteps = 20;

struct Case {
  const char* name;
  std::unique_ptr<Optimizer> (*optimizer)();
  TrainerOptions options;
  int threads;
};

std::unique_ptr<Optimizer> momentum() { return sgd({.momentum = 0.9, .nesterov = true}); }
std::unique_ptr<Optimizer> adam() { return adamw({}); }

const Case kCases[] = {
    {"momentum", momentum, {.seed = 3, .batch = 32, .microbatches = 8, .bucket = 1024}, 1},
    {"momentum, 2 threads",
     momentum,
     {.seed = 3, .batch = 32, .microbatches = 8, .bucket = 1024},
     2},
    {"adamw, clipping",
     adam,
     {.seed = 4, .batch = 50, .microbatches = 8, .clip_norm = 0.5, .bucket = 1},
     1},
    {"no overlap",
     adam,
     {.seed = 4, .batch = 50, .microbatches = 8, .clip_norm = 0.5, .overlap = false},
     2},
    {"odd microbatches",
     momentum,
     {.seed = 5, .batch = 31, .microbatches = 7, .shuffle = false},
     1},
    {"more microbatches than samples in the last batch",
     adam,
     {.seed = 6, .batch = 40, .microbatches = 16},
     1},
};

struct Outcome {
  std::vector<Real> parameters;
  std::vector<double> losses;
  std::vector<double> norms;
  MetricSums evaluation{};
};

Outcome train(const Communicator& communicator, const Case& c, int threads) {
  set_thread_count(threads);
  const SmallProblem problem;
  const auto optimizer = c.optimizer();
  Trainer trainer(communicator, problem.network, *problem.loss, *optimizer, problem.samples,
                  c.options);
  Outcome outcome;
  for (int i = 0; i < kSteps; ++i) {
    const StepResult result = trainer.step(0.05, {}, true);
    outcome.losses.push_back(result.sums[0]);
    outcome.norms.push_back(*result.gradient_norm);
  }
  outcome.parameters.assign(trainer.parameters().begin(), trainer.parameters().end());
  Evaluator evaluator(communicator, problem.network, c.options.batch, c.options.microbatches);
  outcome.evaluation = evaluator.evaluate(trainer.parameters(), *problem.loss, problem.samples);
  set_thread_count(1);
  return outcome;
}

template <typename T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

TEST(Trainer, EveryNumberOfRanksAndThreadsGivesTheSameBits) {
  const Communicator world(MPI_COMM_WORLD);
  const Communicator alone(MPI_COMM_SELF);
  for (const Case& c : kCases) {
    const Outcome together = train(world, c, c.threads);
    const Outcome single = train(alone, c, 1);
    EXPECT_TRUE(same_bits(together.parameters, single.parameters)) << c.name;
    EXPECT_TRUE(same_bits(together.losses, single.losses)) << c.name;
    EXPECT_TRUE(same_bits(together.norms, single.norms)) << c.name;
    EXPECT_EQ(together.evaluation, single.evaluation) << c.name;
    EXPECT_LT(together.losses.back(), together.losses.front()) << c.name << ": it does learn";
  }
}

TEST(Trainer, SeedsChangeTheBits) {
  const Communicator world(MPI_COMM_WORLD);
  Case other = kCases[0];
  other.options.seed = 99;
  EXPECT_FALSE(same_bits(train(world, kCases[0], 1).parameters, train(world, other, 1).parameters));
}

TEST(Trainer, GoesOnFromAStateOfAnotherNumberOfRanks) {
  const Communicator world(MPI_COMM_WORLD);
  const Communicator alone(MPI_COMM_SELF);
  const Case& c = kCases[2];
  const Outcome undisturbed = train(alone, c, 1);

  const SmallProblem problem;
  const auto optimizer = c.optimizer();
  Trainer first(world, problem.network, *problem.loss, *optimizer, problem.samples, c.options);
  for (int i = 0; i < 7; ++i) first.step(0.05, {}, false);
  const std::vector<Real> parameters(first.parameters().begin(), first.parameters().end());
  std::vector<Buffer<Real>> state = first.gather_optimizer_state();
  for (Buffer<Real>& slot : state) {
    if (world.rank() != 0) slot = Buffer<Real>(static_cast<Index>(parameters.size()));
    world.broadcast(std::as_writable_bytes(slot.span()), 0);
  }

  Trainer second(alone, problem.network, *problem.loss, *optimizer, problem.samples, c.options);
  second.restore(7, parameters, state);
  for (int i = 7; i < kSteps; ++i) second.step(0.05, {}, false);
  EXPECT_TRUE(
      same_bits(undisturbed.parameters, {second.parameters().begin(), second.parameters().end()}));
}

TEST(Trainer, AWishOfOneRankIsKnownToAll) {
  const Communicator world(MPI_COMM_WORLD);
  const SmallProblem problem;
  const auto optimizer = momentum();
  Trainer trainer(world, problem.network, *problem.loss, *optimizer, problem.samples,
                  kCases[0].options);
  EXPECT_FALSE(trainer.step(0.1, {}, false).wishes.stop);
  const bool last = world.rank() == world.size() - 1;
  const StepResult result = trainer.step(0.1, {.stop = last, .save = false}, false);
  EXPECT_TRUE(result.wishes.stop);
  EXPECT_FALSE(result.wishes.save);
}

TEST(Trainer, DivergenceIsSeenByAllRanksAndKeepsTheLastParameters) {
  const Communicator world(MPI_COMM_WORLD);
  const SmallProblem problem;
  problem.data.float_inputs()[5] =
      std::numeric_limits<float>::quiet_NaN();  // one sample, on one rank
  const auto optimizer = momentum();
  Trainer trainer(world, problem.network, *problem.loss, *optimizer, problem.samples,
                  kCases[0].options);
  std::vector<Real> before;
  ExitCode code = ExitCode::ok;
  try {
    for (int i = 0; i < 10; ++i) {
      before.assign(trainer.parameters().begin(), trainer.parameters().end());
      trainer.step(0.05, {}, false);
    }
  } catch (const Error& error) {
    code = error.code();
  }
  EXPECT_EQ(code, ExitCode::diverged);
  EXPECT_TRUE(same_bits(before, {trainer.parameters().begin(), trainer.parameters().end()}));
}

TEST(Evaluator, PredictionsComeInTheOrderOfTheSamples) {
  const Communicator world(MPI_COMM_WORLD);
  const Communicator alone(MPI_COMM_SELF);
  const SmallProblem problem;
  std::vector<Real> parameters(static_cast<std::size_t>(problem.network.parameters().size()));
  problem.network.parameters().initialize(1, parameters);
  Evaluator together(world, problem.network, 32, 8);
  Evaluator single(alone, problem.network, 32, 8);
  const std::vector<Real> all = together.predict(parameters, problem.samples);
  const std::vector<Real> expected = single.predict(parameters, problem.samples);
  EXPECT_EQ(expected.size(), 203u * 3u);
  if (world.rank() == 0) {
    EXPECT_TRUE(same_bits(all, expected));
  }
}

}  // namespace
}  // namespace lockstep
