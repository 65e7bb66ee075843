// The contract: parameters after any step are the same bits for every number of ranks and threads.
// Each rank of a group is compared with a group of one rank that trains the same.
#include "lockstep/train/trainer.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <numeric>

#include <chrono>
#include <thread>

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
std::unique_ptr<Optimizer> layerwise() { return lars({.trust = 0.1, .weight_decay = 0.01}); }
std::unique_ptr<Optimizer> layerwise_adam() { return lamb({}); }

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
    {"an average of the weights",
     adam,
     {.seed = 4, .batch = 50, .microbatches = 8, .ema = 0.9, .bucket = 1},
     2},
    {"decay of weights only",
     adam,
     {.seed = 4, .batch = 50, .microbatches = 8, .decay_all = false, .clip_norm = 0.5, .bucket = 1},
     2},
    {"lars",
     layerwise,
     {.seed = 7, .batch = 32, .microbatches = 8, .clip_norm = 0.5, .bucket = 1},
     2},
    {"lamb",
     layerwise_adam,
     {.seed = 7, .batch = 50, .microbatches = 8, .decay_all = false, .bucket = 1024},
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
  std::vector<Real> judged;
  std::vector<double> losses;
  std::vector<double> norms;
  MetricSums evaluation{};
  std::vector<Index> confusion;
};

Outcome train(const Topology& topology, const Case& c, int threads, const Loss* other = nullptr) {
  set_thread_count(threads);
  const SmallProblem problem;
  const auto optimizer = c.optimizer();
  const Loss& loss = other == nullptr ? *problem.loss : *other;
  Trainer trainer(topology, problem.network, loss, *optimizer, problem.samples, c.options);
  Outcome outcome;
  for (int i = 0; i < kSteps; ++i) {
    const StepResult result = trainer.step(0.05, {}, true);
    outcome.losses.push_back(result.sums[0]);
    outcome.norms.push_back(*result.gradient_norm);
  }
  outcome.parameters.assign(trainer.parameters().begin(), trainer.parameters().end());
  const std::span<const Real> judged = trainer.eval_parameters();
  outcome.judged.assign(judged.begin(), judged.end());
  Evaluator evaluator(topology.ranks(), problem.network, c.options.batch, c.options.microbatches,
                      c.options.rounds);
  outcome.evaluation = evaluator.evaluate(judged, loss, problem.samples);
  std::vector<ConfusionMatrix> confusion;
  evaluator.evaluate(trainer.parameters(), *problem.loss, problem.samples, &confusion);
  outcome.confusion = confusion.front().counts;
  set_thread_count(1);
  return outcome;
}

template <typename T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

void expect_same(const Outcome& a, const Outcome& b, const std::string& what) {
  EXPECT_TRUE(same_bits(a.parameters, b.parameters)) << what;
  EXPECT_TRUE(same_bits(a.judged, b.judged)) << what;
  EXPECT_TRUE(same_bits(a.losses, b.losses)) << what;
  EXPECT_TRUE(same_bits(a.norms, b.norms)) << what;
  EXPECT_EQ(a.evaluation, b.evaluation) << what;
  EXPECT_EQ(a.confusion, b.confusion) << what;
}

TEST(Trainer, EveryNumberOfRanksAndThreadsGivesTheSameBits) {
  const Communicator all(MPI_COMM_WORLD);
  const Communicator self(MPI_COMM_SELF);
  const Topology world(all);
  const Topology alone(self);
  for (const Case& c : kCases) {
    const Outcome together = train(world, c, c.threads);
    const Outcome single = train(alone, c, 1);
    expect_same(together, single, c.name);
    EXPECT_LT(together.losses.back(), together.losses.front()) << c.name << ": it does learn";
  }
}

TEST(Trainer, EveryNumberOfRoundsGivesTheSameBits) {
  const Communicator all(MPI_COMM_WORLD);
  const Communicator self(MPI_COMM_SELF);
  const Topology world(all);
  const Topology alone(self);
  const Topology pairs(all, std::vector<int>{2});
  for (const Case& c : kCases) {
    const Outcome single = train(alone, c, 1);
    for (const Index rounds : {1, 2, 3, 7}) {
      Case in_rounds = c;
      in_rounds.options.rounds = rounds;
      const std::string what = c.name + std::string(", rounds ") + std::to_string(rounds);
      expect_same(train(world, in_rounds, c.threads), single, what);
      expect_same(train(pairs, in_rounds, 1), single, what + ", nodes of 2");
    }
  }
}

TEST(Trainer, RoundsTakeLessMemoryForActivations) {
  const Communicator self(MPI_COMM_SELF);
  const Topology alone(self);
  const SmallProblem problem;
  const auto optimizer = momentum();
  const auto memory = [&](Index rounds) {
    const TrainerOptions options{.batch = 192, .microbatches = 8, .rounds = rounds};
    return Trainer(alone, problem.network, *problem.loss, *optimizer, problem.samples, options)
        .memory();
  };
  const MemoryUse one = memory(1);
  EXPECT_LT(memory(2).activations, 0.6 * static_cast<double>(one.activations));
  EXPECT_LT(memory(8).activations, 0.25 * static_cast<double>(one.activations));
  EXPECT_EQ(memory(8).gradients, one.gradients * 4);
  EXPECT_EQ(memory(8).parameters, one.parameters);
}

// e = d e + (1 - d) w from the initial weights on; running statistics stand in it as they are.
TEST(Trainer, JudgesTheAverageOfTheWeights) {
  const Communicator all(MPI_COMM_WORLD);
  const SmallProblem problem;
  const auto optimizer = momentum();
  for (const std::vector<int>& nodes : {std::vector<int>{}, std::vector<int>{1}}) {
    const Topology world(all, nodes);
    Trainer trainer(world, problem.network, *problem.loss, *optimizer, problem.samples,
                    {.batch = 32, .microbatches = 8, .ema = 0.75, .bucket = 1});
    std::vector<Real> expected(trainer.parameters().begin(), trainer.parameters().end());
    EXPECT_TRUE(
        same_bits(expected, {trainer.eval_parameters().begin(), trainer.eval_parameters().end()}));
    for (int i = 0; i < 5; ++i) {
      trainer.step(0.05, {}, false);
      for (const RoleRange& part : problem.network.parameters().roles()) {
        for (auto e = part.range.begin; e < part.range.end; ++e) {
          const auto at = static_cast<std::size_t>(e);
          const Real w = trainer.parameters()[at];
          expected[at] = part.learned() ? expected[at] + Real{0.25} * (w - expected[at]) : w;
        }
      }
    }
    const std::span<const Real> judged = trainer.eval_parameters();
    EXPECT_TRUE(same_bits(expected, {judged.begin(), judged.end()}));
  }
}

TEST(Trainer, SmoothingAndClassWeightsGiveTheSameBits) {
  const Communicator all(MPI_COMM_WORLD);
  const Communicator self(MPI_COMM_SELF);
  const Topology world(all);
  const Topology alone(self);
  const auto loss =
      cross_entropy({.label_smoothing = 0.1f, .class_weights = {0.5f, 2, 1.25f}, .top_k = 2});
  const Outcome together = train(world, kCases[2], 2, loss.get());
  expect_same(together, train(alone, kCases[2], 1, loss.get()), "smoothed and weighted");
  // The matrix and the sums tell of the same predictions.
  const std::vector<Index>& counts = together.confusion;
  EXPECT_EQ(static_cast<double>(counts[0] + counts[4] + counts[8]), together.evaluation[1]);
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), Index{0}), SmallProblem::kSamples);
  EXPECT_GE(together.evaluation[2], together.evaluation[1]);
}

// One machine stands for several: nodes of one rank, of two, and unequal ones.
TEST(Trainer, EveryLayoutOfNodesGivesTheSameBits) {
  const Communicator all(MPI_COMM_WORLD);
  const Communicator self(MPI_COMM_SELF);
  const Topology alone(self);
  const std::vector<std::vector<int>> layouts{{1}, {2}, {1, 2}, {3, 1}};
  for (const Case& c : kCases) {
    const Outcome single = train(alone, c, 1);
    for (const auto& sizes : layouts) {
      const Topology topology(all, sizes);
      expect_same(train(topology, c, c.threads), single,
                  c.name + std::string(", nodes of ") + std::to_string(sizes[0]));
    }
  }
}

// The loss of a rank that is late now and then, by up to 2 ms.
class Straggling final : public Loss {
 public:
  explicit Straggling(bool late) : late_(late) {}
  std::string_view type() const override { return loss_->type(); }
  Outputs outputs() const override { return loss_->outputs(); }
  void evaluate(ConstMatrix prediction, const Targets& targets, Real weight, Matrix gradient,
                MetricSums& sums) const override {
    loss_->evaluate(prediction, targets, weight, gradient, sums);
    if (!late_) return;
    const std::uint32_t draw = random_bits({.seed = 1}, draws_++);
    if (draw % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(draw % 2000));
  }
  std::vector<Metric> metrics(const MetricSums& sums, double samples, Shape output) const override {
    return loss_->metrics(sums, samples, output);
  }

 private:
  std::unique_ptr<Loss> loss_ = cross_entropy();
  bool late_;
  mutable std::atomic<std::uint64_t> draws_ = 0;
};

TEST(Trainer, AStragglerChangesNoBit) {
  const Communicator all(MPI_COMM_WORLD);
  const Communicator self(MPI_COMM_SELF);
  const Topology alone(self);
  const Outcome single = train(alone, kCases[2], 1);
  for (int late = 0; late < all.size(); ++late) {
    const Straggling loss(all.rank() == late);
    for (const std::vector<int>& sizes : {std::vector<int>{}, std::vector<int>{2}}) {
      const Topology topology(all, sizes);
      expect_same(train(topology, kCases[2], 1, &loss), single, "late: " + std::to_string(late));
    }
  }
}

TEST(Trainer, EveryMomentOfAStepBelongsToAPart) {
  const Communicator all(MPI_COMM_WORLD);
  const Topology world(all);
  const SmallProblem problem;
  const Straggling loss(all.rank() == 0);
  const auto optimizer = momentum();
  Trainer trainer(world, problem.network, loss, *optimizer, problem.samples, kCases[0].options);
  trainer.clock().skip();
  (void)trainer.clock().take();
  const double start = now_seconds();
  for (int i = 0; i < 50; ++i) trainer.step(0.05, {}, i % 2 == 0);
  const double seconds = now_seconds() - start;
  const StepTimes times = trainer.clock().take();
  EXPECT_NEAR(times.total(), seconds, 0.01 * seconds);
  for (const double part : times.seconds) EXPECT_GE(part, 0);
  EXPECT_GT(times[Part::forward], 0);
  if (all.rank() != 0) {  // rank 0 is the one that is late
    EXPECT_GT(times[Part::wait], 0);
    const auto waited = trainer.waited_for();
    EXPECT_EQ(std::ranges::max_element(waited) - waited.begin(), 0);
  }
}

TEST(Trainer, SeedsChangeTheBits) {
  const Communicator all(MPI_COMM_WORLD);
  const Topology world(all);
  Case other = kCases[0];
  other.options.seed = 99;
  EXPECT_FALSE(same_bits(train(world, kCases[0], 1).parameters, train(world, other, 1).parameters));
}

TEST(Trainer, GoesOnFromAStateOfAnotherNumberOfRanks) {
  const Communicator all(MPI_COMM_WORLD);
  const Communicator self(MPI_COMM_SELF);
  const Topology world(all);
  const Topology alone(self);
  Case c = kCases[2];
  c.options.ema = 0.9;
  const Outcome undisturbed = train(alone, c, 1);

  const SmallProblem problem;
  const auto optimizer = c.optimizer();
  Trainer first(world, problem.network, *problem.loss, *optimizer, problem.samples, c.options);
  for (int i = 0; i < 7; ++i) first.step(0.05, {}, false);
  const std::vector<Real> parameters(first.parameters().begin(), first.parameters().end());
  std::vector<Buffer<Real>> state;
  for (std::size_t slot = 0; slot < optimizer->slots().size() + 1; ++slot) {  // and the average
    state.emplace_back(static_cast<Index>(parameters.size()));
  }
  first.gather_state([&](std::size_t slot, Range range, std::span<const Real> values) {
    std::ranges::copy(values, state[slot].data() + range.begin);
  });
  for (Buffer<Real>& slot : state) all.broadcast(std::as_writable_bytes(slot.span()), 0);

  Trainer second(alone, problem.network, *problem.loss, *optimizer, problem.samples, c.options);
  second.restore(7, parameters, state);
  for (int i = 7; i < kSteps; ++i) second.step(0.05, {}, false);
  EXPECT_TRUE(
      same_bits(undisturbed.parameters, {second.parameters().begin(), second.parameters().end()}));
  const std::span<const Real> judged = second.eval_parameters();
  EXPECT_TRUE(same_bits(undisturbed.judged, {judged.begin(), judged.end()}));
}

TEST(Trainer, AWishOfOneRankIsKnownToAll) {
  const Communicator all(MPI_COMM_WORLD);
  const Topology world(all);
  const SmallProblem problem;
  const auto optimizer = momentum();
  Trainer trainer(world, problem.network, *problem.loss, *optimizer, problem.samples,
                  kCases[0].options);
  EXPECT_FALSE(trainer.step(0.1, {}, false).votes.stop);
  const bool last = all.rank() == all.size() - 1;
  const StepResult result = trainer.step(0.1, {.stop = last, .save = false}, false);
  EXPECT_TRUE(result.votes.stop);
  EXPECT_FALSE(result.votes.save);
}

// What is wrong with one rank's loss, in one evaluation of it or from there on.
enum class Fault { none, loss, gradient, wrong_from_there_on };

class Faulty final : public Loss {
 public:
  Faulty(Fault fault, int evaluation) : fault_(fault), left_(evaluation) {}
  std::string_view type() const override { return loss_->type(); }
  Outputs outputs() const override { return loss_->outputs(); }
  void evaluate(ConstMatrix prediction, const Targets& targets, Real weight, Matrix gradient,
                MetricSums& sums) const override {
    loss_->evaluate(prediction, targets, weight, gradient, sums);
    if (gradient.rows == 0) return;
    const int left = left_--;
    const Real nan = std::numeric_limits<Real>::quiet_NaN();
    if (left == 0 && fault_ == Fault::loss) sums[0] = nan;
    if (left == 0 && fault_ == Fault::gradient) gradient.data[0] = nan;
    if (left <= 0 && fault_ == Fault::wrong_from_there_on) {
      gradient.data[0] += Real{1} / 256;
    }
  }
  std::vector<Metric> metrics(const MetricSums& sums, double samples, Shape output) const override {
    return loss_->metrics(sums, samples, output);
  }

 private:
  std::unique_ptr<Loss> loss_ = cross_entropy();
  Fault fault_;
  mutable std::atomic<int> left_;
};

std::vector<Real> copy_of(std::span<const Real> numbers) {
  return {numbers.begin(), numbers.end()};
}

// Every layout, so that ranks are of one node and of several.
const std::vector<std::vector<int>> kLayouts = {{}, {1}, {1, 2}};

TEST(Trainer, AStepOfNoUseChangesNothingOnAnyRank) {
  const Communicator all(MPI_COMM_WORLD);
  const SmallProblem problem;
  const auto optimizer = adam();
  for (const auto& nodes : kLayouts) {
    const Topology world(all, nodes);
    for (const Fault fault : {Fault::loss, Fault::gradient}) {
      // The last rank alone sees it, in the first microbatch of its fourth step.
      const int share = static_cast<int>(microbatches_of(all.size() - 1, all.size(), 8).count);
      const Faulty loss(all.rank() == all.size() - 1 ? fault : Fault::none, 3 * share);
      Trainer trainer(world, problem.network, loss, *optimizer, problem.samples,
                      {.seed = 3, .batch = 32, .microbatches = 8, .ema = 0.9, .bucket = 1024});
      for (int step = 0; step < 6; ++step) {
        const std::vector<Real> before = copy_of(trainer.parameters());
        const std::vector<Real> judged = copy_of(trainer.eval_parameters());
        const StepResult result = trainer.step(0.05, {}, true);
        EXPECT_EQ(result.applied, step != 3);
        EXPECT_EQ(std::isfinite(result.sums[0]), step != 3 || fault == Fault::gradient);
        EXPECT_EQ(same_bits(before, copy_of(trainer.parameters())), step == 3);
        EXPECT_EQ(same_bits(judged, copy_of(trainer.eval_parameters())), step == 3);
      }
    }
  }
}

TEST(Trainer, ALossAboveTheLimitChangesNothing) {
  const Communicator all(MPI_COMM_WORLD);
  const Topology world(all);
  const SmallProblem problem;
  const auto optimizer = momentum();
  Trainer trainer(world, problem.network, *problem.loss, *optimizer, problem.samples,
                  kCases[0].options);
  const std::vector<Real> before = copy_of(trainer.parameters());
  EXPECT_FALSE(trainer.step(0.05, {}, false, 0.5).applied) << "ln 3 is usual at first";
  EXPECT_TRUE(same_bits(before, copy_of(trainer.parameters())));
  EXPECT_TRUE(trainer.step(0.05, {}, false, 5).applied);
}

bool same(const std::vector<AuditRecord>& all) {
  return std::ranges::all_of(all, [&](const AuditRecord& e) {
    return e.gradient == all[0].gradient && e.intact &&
           (!e.parameters || e.parameters == all[0].parameters);
  });
}

std::vector<AuditRecord> gather(const Communicator& all, const AuditRecord& mine) {
  std::vector<AuditRecord> evidence(static_cast<std::size_t>(all.size()));
  all.all_gather(std::as_bytes(std::span(&mine, 1)), std::as_writable_bytes(std::span(evidence)));
  return evidence;
}

TEST(Trainer, ARecomputedMicrobatchTellsARankThatComputesWrongly) {
  const Communicator all(MPI_COMM_WORLD);
  const SmallProblem problem;
  const auto optimizer = adam();
  for (const auto& nodes : kLayouts) {
    const Topology world(all, nodes);
    for (const Index rounds : {1, 3}) {
      const bool culprit = all.rank() == all.size() - 1;
      const Faulty loss(culprit ? Fault::wrong_from_there_on : Fault::none, 1000000);
      const Faulty wrong(culprit ? Fault::wrong_from_there_on : Fault::none, 0);
      const TrainerOptions options{.batch = 31, .microbatches = 7, .rounds = rounds};
      Trainer good(world, problem.network, loss, *optimizer, problem.samples, options);
      Trainer bad(world, problem.network, wrong, *optimizer, problem.samples, options);
      Trainer undisturbed(world, problem.network, loss, *optimizer, problem.samples, options);
      for (int step = 0; step < 8; ++step) {  // over a last batch that is smaller
        for (Trainer* trainer : {&good, &bad, &undisturbed}) trainer->step(0.05, {}, false);
        EXPECT_TRUE(same(gather(all, good.evidence(true))));
        const auto found = gather(all, bad.evidence(true));
        if (all.size() > 1) {
          EXPECT_NE(found.back().gradient, found.front().gradient);
          EXPECT_TRUE(same({found.begin(), found.end() - 1}));
        }
      }
      EXPECT_TRUE(same_bits(copy_of(good.parameters()), copy_of(undisturbed.parameters())))
          << "an audit changes nothing";
    }
  }
}

void flip_bit(const Real& number) {
  auto* bytes = reinterpret_cast<unsigned char*>(const_cast<Real*>(&number));
  bytes[2] = static_cast<unsigned char>(bytes[2] ^ 1);
}

TEST(Trainer, AFlippedBitIsNoticedByItsOwner) {
  const Communicator all(MPI_COMM_WORLD);
  const SmallProblem problem;
  for (const auto& make : {momentum, adam, layerwise_adam}) {
    const auto optimizer = make();
    for (const auto& nodes : kLayouts) {
      const Topology world(all, nodes);
      const TrainerOptions options{.batch = 32, .microbatches = 8, .bucket = 1};
      Trainer trainer(world, problem.network, *problem.loss, *optimizer, problem.samples, options);
      for (int i = 0; i < 3; ++i) EXPECT_TRUE(trainer.step(0.05, {}, false).changed.empty());
      EXPECT_TRUE(trainer.evidence(false).intact);
      const BucketLayout layout(problem.network.parameters().size(), options.bucket, all.size());
      const int victim = all.size() - 1;
      const bool mine = all.rank() == victim;
      if (mine)
        flip_bit(trainer.parameters()[static_cast<std::size_t>(layout.slices(victim)[0].begin)]);
      all.barrier();
      EXPECT_EQ(trainer.evidence(false).intact, !mine);
      EXPECT_TRUE(trainer.step(0.05, {}, false).changed.empty()) << "the update meets it";
      const std::vector<Real> before = copy_of(trainer.parameters());
      const StepResult result = trainer.step(0.05, {}, false);
      EXPECT_EQ(result.changed, std::vector<int>{victim}) << "known to all";
      EXPECT_FALSE(result.applied);
      EXPECT_TRUE(same_bits(before, copy_of(trainer.parameters())));
    }
  }
}

TEST(Trainer, AFlippedBitOfACopyIsNoticedOnItsNode) {
  const Communicator all(MPI_COMM_WORLD);
  if (all.size() == 1) return;  // nothing is copied
  const SmallProblem problem;
  const auto optimizer = momentum();
  const Topology world(all, std::vector<int>{1});
  const TrainerOptions options{.batch = 32, .microbatches = 8, .bucket = 1};
  Trainer trainer(world, problem.network, *problem.loss, *optimizer, problem.samples, options);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(trainer.step(0.05, {}, false).changed.empty());
  EXPECT_TRUE(trainer.evidence(false).intact);
  const BucketLayout layout(problem.network.parameters().size(), options.bucket, all.size());
  const int victim = 0;
  const auto owned_by_another = static_cast<std::size_t>(layout.slices(all.size() - 1)[0].begin);
  const bool mine = all.rank() == victim;
  if (mine) flip_bit(trainer.parameters()[owned_by_another]);
  EXPECT_EQ(trainer.evidence(false).intact, !mine);
  EXPECT_TRUE(trainer.step(0.05, {}, false).changed.empty()) << "the exchange heals it";
  EXPECT_EQ(trainer.step(0.05, {}, false).changed, std::vector<int>{victim}) << "and all know";
  EXPECT_EQ(trainer.evidence(false).intact, !mine) << "until the parameters are set anew";
}

TEST(Trainer, CopiesOfNodesAreCompared) {
  const Communicator all(MPI_COMM_WORLD);
  const Topology world(all, std::vector<int>{1});
  const SmallProblem problem;
  const auto optimizer = momentum();
  Trainer trainer(world, problem.network, *problem.loss, *optimizer, problem.samples,
                  kCases[0].options);
  trainer.step(0.05, {}, false);
  EXPECT_TRUE(same(gather(all, trainer.evidence(false))));
  const bool last = all.rank() == all.size() - 1;
  if (last) flip_bit(trainer.parameters()[0]);  // owned by rank 0
  const auto found = gather(all, trainer.evidence(false));
  if (all.size() == 1) return;
  EXPECT_NE(found.back().parameters, found.front().parameters);
  EXPECT_TRUE(same({found.begin(), found.end() - 1}));
}

TEST(Evaluator, PredictionsComeInTheOrderOfTheSamples) {
  const Communicator all(MPI_COMM_WORLD);
  const Communicator self(MPI_COMM_SELF);
  const Topology world(all);
  const Topology alone(self);
  const SmallProblem problem;
  std::vector<Real> parameters(static_cast<std::size_t>(problem.network.parameters().size()));
  problem.network.parameters().initialize(1, parameters);
  Evaluator together(world.ranks(), problem.network, 32, 8, /*rounds=*/3);
  Evaluator single(alone.ranks(), problem.network, 32, 8);
  const std::vector<Real> found = together.predict(parameters, problem.samples);
  const std::vector<Real> expected = single.predict(parameters, problem.samples);
  EXPECT_EQ(expected.size(), 203u * 3u);
  if (all.rank() == 0) {
    EXPECT_TRUE(same_bits(found, expected));
  }
}

}  // namespace
}  // namespace lockstep
