// Labels that nobody knows count nothing: the mean of a batch is over the others, wherever they
// lie. A network of one linear layer over positions is small enough to be computed here in plain
// loops.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "lockstep/nn/layers.hpp"
#include "lockstep/setup/class_weights.hpp"
#include "lockstep/train/evaluator.hpp"
#include "lockstep/train/trainer.hpp"

namespace lockstep {
namespace {

constexpr Index kSamples = 23, kPositions = 6, kChannels = 3, kClasses = 4;

// Of some samples all labels are known, of some none.
struct Masks {
  Masks() {
    std::uint64_t element = 0;
    for (float& x : data.float_inputs()) {
      x = static_cast<float>(random_normal({.seed = 5}, element++));
    }
    for (std::size_t i = 0; i < data.labels().size(); ++i) {
      const std::size_t sample = i / kPositions, position = i % kPositions;
      const bool unknown = position < sample % 7;
      data.labels()[i] = unknown ? kIgnoredLabel : static_cast<std::int32_t>((i * 7 + sample) % 4);
    }
    data.count_ignored();
    network.add(linear(kClasses), "head");
  }

  Dataset data{"masks",
               {.shape = {kPositions, 1, kChannels},
                .size = kSamples,
                .target_columns = kPositions,
                .ignores = true}};
  Normalization identity;
  Samples samples{&data, Subset::whole(kSamples), &identity, &identity};
  Network network{Shape{kPositions, 1, kChannels}};
};

constexpr TrainerOptions kOptions{.seed = 3, .batch = 9, .microbatches = 8, .bucket = 16};

// Weights [in][out], then biases; what one step of plain gradient descent makes of them.
struct Plain {
  std::vector<double> weights = std::vector<double>(kChannels * kClasses + kClasses);
  double loss = 0;
  Index counted = 0;

  void step(const Masks& masks, const std::vector<Index>& batch, double rate) {
    std::vector<double> gradient(weights.size());
    loss = 0;
    counted = 0;
    for (const Index sample : batch) {
      for (Index p = 0; p < kPositions; ++p) add(masks, sample, p, gradient);
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
      weights[i] -= rate * gradient[i] / static_cast<double>(counted);
    }
    loss /= static_cast<double>(counted);
  }

 private:
  void add(const Masks& masks, Index sample, Index position, std::vector<double>& gradient) {
    const std::int32_t label = masks.data.labels(sample)[static_cast<std::size_t>(position)];
    if (label < 0) return;
    const float* x =
        masks.data.float_inputs().data() + (sample * kPositions + position) * kChannels;
    std::vector<double> e(kClasses);
    double sum = 0;
    for (Index c = 0; c < kClasses; ++c) {
      double z = weights[static_cast<std::size_t>(kChannels * kClasses + c)];
      for (Index k = 0; k < kChannels; ++k) {
        z += weights[static_cast<std::size_t>(k * kClasses + c)] * static_cast<double>(x[k]);
      }
      e[static_cast<std::size_t>(c)] = std::exp(z);
      sum += e[static_cast<std::size_t>(c)];
    }
    loss -= std::log(e[static_cast<std::size_t>(label)] / sum);
    ++counted;
    for (Index c = 0; c < kClasses; ++c) {
      const double slope = e[static_cast<std::size_t>(c)] / sum - (c == label ? 1 : 0);
      gradient[static_cast<std::size_t>(kChannels * kClasses + c)] += slope;
      for (Index k = 0; k < kChannels; ++k) {
        gradient[static_cast<std::size_t>(k * kClasses + c)] += slope * static_cast<double>(x[k]);
      }
    }
  }
};

// The parameters in the order of Plain.
std::vector<double> plain_order(const Network& network, std::span<const Real> parameters) {
  std::vector<double> values(kChannels * kClasses + kClasses);
  for (const Parameter& p : network.parameters().parameters()) {
    const std::size_t to = p.spec.name.ends_with("bias") ? kChannels * kClasses : 0;
    for (Index i = 0; i < p.spec.size(); ++i) {
      values[to + static_cast<std::size_t>(i)] =
          double{parameters[static_cast<std::size_t>(p.offset + p.spec.stored_at(i))]};
    }
  }
  return values;
}

TEST(IgnoredLabels, StepsAreThoseOfPlainLoops) {
  const Communicator all(MPI_COMM_WORLD);
  const Topology world(all);
  const Masks masks;
  const auto loss = cross_entropy();
  const auto rule = sgd();
  Trainer trainer(world, masks.network, *loss, *rule, masks.samples, kOptions);
  Plain plain;
  plain.weights = plain_order(masks.network, trainer.parameters());
  for (std::uint64_t step = 0; step < 7; ++step) {  // the third batch of each epoch is smaller
    const BatchRange range = trainer.sampler().batch(step);
    std::vector<Index> batch;
    for (Index i = range.first; i < range.first + range.size; ++i) {
      batch.push_back(trainer.sampler().sample(range.epoch, i));
    }
    const StepResult result = trainer.step(0.5, {}, false);
    plain.step(masks, batch, 0.5);
    EXPECT_NEAR(result.loss(), plain.loss, 1e-6);
    EXPECT_EQ(result.ignored, range.size * kPositions - plain.counted);
    const std::vector<double> ours = plain_order(masks.network, trainer.parameters());
    for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_NEAR(ours[i], plain.weights[i], 1e-5);
  }
}

std::vector<Real> trained(const Topology& topology, const std::vector<float>& noise) {
  Masks masks;
  for (Index i = 0; i < kSamples * kPositions; ++i) {  // where nobody knows, inputs say nothing
    if (masks.data.labels()[static_cast<std::size_t>(i)] >= 0) continue;
    for (Index k = 0; k < kChannels; ++k) {
      masks.data.float_inputs()[static_cast<std::size_t>(i * kChannels + k)] += noise[0];
    }
  }
  const auto loss = cross_entropy();
  const auto rule = adamw({});
  Trainer trainer(topology, masks.network, *loss, *rule, masks.samples, kOptions);
  for (int step = 0; step < 10; ++step) trainer.step(0.05, {}, true);
  return {trainer.parameters().begin(), trainer.parameters().end()};
}

TEST(IgnoredLabels, EveryNumberOfRanksGivesTheSameBitsAndUnknownPlacesChangeNone) {
  const Communicator all(MPI_COMM_WORLD);
  const Communicator self(MPI_COMM_SELF);
  const std::vector<Real> single = trained(Topology(self), {0});
  const auto expect_same = [&](const std::vector<Real>& other) {
    EXPECT_EQ(std::memcmp(single.data(), other.data(), single.size() * sizeof(Real)), 0);
  };
  expect_same(trained(Topology(all), {0}));
  expect_same(trained(Topology(all, std::vector<int>{1}), {0}));
  expect_same(trained(Topology(all), {17}));
}

TEST(IgnoredLabels, AreInNoFigureNorWeight) {
  const Communicator all(MPI_COMM_WORLD);
  const Topology world(all);
  const Masks masks;
  Buffer<Real> parameters(masks.network.parameters().size());
  masks.network.parameters().initialize(1, parameters.span());
  Evaluator evaluator(world.ranks(), masks.network, 9, 8);
  std::vector<ConfusionMatrix> matrices;
  const auto loss = cross_entropy();
  const MetricSums sums = evaluator.evaluate(parameters.span(), *loss, masks.samples, &matrices);
  const ConfusionMatrix& confusion = matrices.at(0);
  Index known = 0;
  std::vector<Index> counts(kClasses);
  for (const std::int32_t label : masks.data.labels()) {
    if (label < 0) continue;
    ++known;
    ++counts[static_cast<std::size_t>(label)];
  }
  const double counted = masks.samples.counted(kSamples, masks.samples.ignored());
  EXPECT_DOUBLE_EQ(counted * kPositions, static_cast<double>(known));
  Plain plain;
  plain.weights = plain_order(masks.network, parameters.span());
  std::vector<Index> everything(kSamples);
  for (Index i = 0; i < kSamples; ++i) everything[static_cast<std::size_t>(i)] = i;
  plain.step(masks, everything, 0);
  const auto metrics = loss->metrics(sums, counted, masks.network.output_shape());
  EXPECT_NEAR(metrics[0].value, plain.loss, 1e-6);
  Index right = 0, all_counts = 0;
  for (Index c = 0; c < kClasses; ++c) right += confusion.at(c, c);
  for (const Index n : confusion.counts) all_counts += n;
  EXPECT_EQ(all_counts, known);
  EXPECT_NEAR(metrics[1].value, static_cast<double>(right) / static_cast<double>(known), 1e-12);
  const std::vector<double> weights = balanced_weights(masks.samples, kClasses);
  for (std::size_t c = 0; c < counts.size(); ++c) {
    EXPECT_DOUBLE_EQ(weights[c],
                     static_cast<double>(known) / static_cast<double>(kClasses * counts[c]));
  }
  EXPECT_EQ(masks.data.classes(), kClasses);
}

// A batch of nothing but unknown labels has no slope.
TEST(IgnoredLabels, ABatchOfNothingElseChangesNothing) {
  const Communicator all(MPI_COMM_WORLD);
  const Topology world(all);
  Masks masks;
  std::ranges::fill(masks.data.labels(), kIgnoredLabel);
  masks.data.count_ignored();
  const auto loss = cross_entropy();
  const auto rule = sgd();
  Trainer trainer(world, masks.network, *loss, *rule, masks.samples, kOptions);
  const std::vector<Real> before(trainer.parameters().begin(), trainer.parameters().end());
  const StepResult result = trainer.step(0.5, {}, true);
  EXPECT_TRUE(result.applied);
  EXPECT_EQ(result.loss(), 0);
  EXPECT_TRUE(std::ranges::equal(before, trainer.parameters()));
}

}  // namespace
}  // namespace lockstep
