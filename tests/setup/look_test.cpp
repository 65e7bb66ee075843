#include "setup/look/look.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lockstep/base/error.hpp"
#include "lockstep/nn/layers.hpp"
#include "setup/look/statistics.hpp"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

template <typename Action>
std::string refusal(const Action& action) {
  try {
    static_cast<void>(action());
  } catch (const Error& error) {
    return fmt::format("{}: {}", static_cast<int>(error.code()), error.what());
  }
  return "";
}

// -- labels --

struct Labelled {
  explicit Labelled(const std::vector<std::int32_t>& labels)
      : data("x.npy", {.shape = {.channels = 2}, .size = std::ssize(labels)}) {
    data.set_targets_name("y.npy");
    std::ranges::copy(labels, data.labels().begin());
  }
  [[nodiscard]] Samples samples() const { return {&data, Subset::whole(data.size())}; }

  Dataset data;
};

Notes look_at_labels(const std::vector<std::int32_t>& train, const std::vector<std::int32_t>& val,
                     Index classes, const std::vector<std::string>& names = {}) {
  const Labelled t(train), v(val);
  return look_at_labels(t.samples(), v.samples(), classes, names);
}

TEST(LookAtLabels, AllClassesThereAreNoNote) {
  EXPECT_THAT(look_at_labels({0, 1, 2, 1}, {1, 1}, 3), IsEmpty());
}

TEST(LookAtLabels, OneClassIsRefusedButNotOfOneSample) {
  EXPECT_THAT(refusal([] {
                return look_at_labels({1, 1, -1, 1}, {0}, 2, {"no", "yes"});
              }),
              HasSubstr("65: y.npy: all 3 training labels are yes"));
  EXPECT_EQ(refusal([] { return look_at_labels({1}, {}, 2); }), "");
}

TEST(LookAtLabels, LabelsMustBeKnown) {
  EXPECT_THAT(refusal([] {
                return look_at_labels({-1, -1}, {0}, 2);
              }),
              HasSubstr("65: y.npy: all labels of the 2 training samples are data.ignore_label"));
  EXPECT_THAT(refusal([] {
                return look_at_labels({0, 1}, {-1}, 2);
              }),
              HasSubstr("of the 1 validation samples are data.ignore_label"));
}

TEST(LookAtLabels, ClassesWithoutTrainingSamplesAreNamed) {
  EXPECT_THAT(look_at_labels({0, 1, 3}, {2, 2, 0}, 4),
              ElementsAre("no training samples of class 2, but 2 validation labels are"));
  EXPECT_THAT(look_at_labels({0, 1}, {}, 4, {"a", "b", "c", "d"}),
              ElementsAre("no training samples of classes c, d"));
  EXPECT_THAT(look_at_labels({0, 1}, {}, 100),
              ElementsAre("no training samples of 98 of 100 classes"));
  EXPECT_THAT(look_at_labels({1, 2}, {}, 3), ElementsAre(HasSubstr("these may count from 1")));
}

TEST(LookAtLabels, ALabelForEachSampleMayBeAValue) {
  std::vector<std::int32_t> labels;
  for (int i = 0; i < 30; ++i) labels.push_back(i);
  EXPECT_THAT(look_at_labels(labels, {}, 30), ElementsAre(HasSubstr("mse")));
  for (int i = 0; i < 30; ++i) labels.push_back(i);
  EXPECT_THAT(look_at_labels(labels, {}, 30), IsEmpty());
}

TEST(LookAtWeights, SomethingMustCount) {
  Dataset data("x.csv", {.shape = {.channels = 1}, .size = 3, .weighted = true});
  data.weights()[2] = 1;
  const auto part = [&](Index first, Index size) {
    return Samples{&data, Subset(Permutation(3, {.seed = 1}), first, size)};
  };
  Index at = 0;
  while (part(at, 1).subset[0] != 2) ++at;
  const Samples all{&data, Subset::whole(3)}, none{&data, Subset::whole(2)}, one = part(at, 1);
  EXPECT_THAT(look_at_weights(all, one), IsEmpty());
  EXPECT_THAT(look_at_weights(all, none), ElementsAre(HasSubstr("all validation samples are 0")));
  EXPECT_THAT(refusal([&] { return look_at_weights(none, all); }),
              HasSubstr("65: x.csv: the weights of all 2 training samples are 0"));
}

// -- values --

struct Valued {
  Valued(Index columns, const std::vector<float>& values)
      : data("x.npy", {.shape = {.channels = 2},
                       .size = std::ssize(values) / columns,
                       .target_kind = TargetKind::values,
                       .target_columns = columns}) {
    data.set_targets_name("y.npy");
    std::ranges::copy(values, data.values().begin());
  }
  Dataset data;
  Normalization identity;
};

Notes look_at_values(Index columns, const std::vector<float>& values,
                     std::unique_ptr<Layer> last = nullptr,
                     const Loss& loss = *mean_squared_error()) {
  const Valued v(columns, values);
  Network network({1, 1, 2});
  network.add(linear(columns));
  if (last) network.add(std::move(last), "end");
  return look_at_values({&v.data, Subset::whole(v.data.size()), &v.identity, &v.identity}, loss,
                        network);
}

TEST(LookAtValues, ConstantTargetsAreRefusedAndConstantColumnsNoted) {
  EXPECT_THAT(look_at_values(2, {1, 2, -3, 4, 1, 5}), IsEmpty());
  EXPECT_THAT(refusal([] {
                return look_at_values(1, {0.5f, 0.5f});
              }),
              HasSubstr("65: y.npy: the target is 0.5 in all 2 training samples"));
  EXPECT_THAT(refusal([] {
                return look_at_values(2, {1, 2, 1, 2});
              }),
              HasSubstr("each target column"));
  EXPECT_THAT(refusal([] {
                return look_at_values(1, {1, 1}, nullptr, *binary_cross_entropy());
              }),
              HasSubstr("the target is 1"));
  EXPECT_THAT(look_at_values(3, {1, 2, 3, -3, 2, 3, 1, 2, 3}),
              ElementsAre(HasSubstr("target columns 1, 2: constant")));
  EXPECT_EQ(refusal([] { return look_at_values(1, {0.5f}); }), "");
}

TEST(LookAtValues, EqualOnlyAsFloatsIsSaidToBeSo) {
  Valued v(1, {1e12f, 1e12f});
  v.data.add_notes({"y.npy: digits are lost in column 0"});
  Network network({1, 1, 2});
  network.add(linear(1));
  EXPECT_THAT(refusal([&] {
                return look_at_values({&v.data, Subset::whole(2), &v.identity, &v.identity},
                                      *mean_squared_error(), network);
              }),
              HasSubstr("?\n  y.npy: digits are lost in column 0"));
}

TEST(LookAtValues, TheirSizeIsThatOfANetwork) {
  EXPECT_THAT(look_at_values(1, {1e6f, 3e6f}),
              ElementsAre(HasSubstr("magnitude of about 2.2e+06")));
  EXPECT_THAT(look_at_values(1, {1e-6f, -1e-6f}), ElementsAre(HasSubstr("normalize_targets")));
  EXPECT_THAT(look_at_values(1, {0, 1}, nullptr, *binary_cross_entropy()), IsEmpty());
}

TEST(LookAtValues, TheLastLayerCanGiveThem) {
  EXPECT_THAT(
      look_at_values(1, {1, -2}, relu()),
      ElementsAre(HasSubstr("'end', relu, is the last layer and its output is never below 0, but "
                            "targets reach -2")));
  EXPECT_THAT(look_at_values(1, {0.5f, 3}, sigmoid()), ElementsAre(HasSubstr("above 1")));
  EXPECT_THAT(look_at_values(1, {0.5f, -0.5f}, tanh()), IsEmpty());
}

// -- inputs --

Notes look_at_inputs(Index columns, const std::vector<float>& inputs,
                     const std::vector<std::string>& names = {}, Index height = 1,
                     const std::vector<std::int32_t>& labels = {}) {
  const Index size = std::ssize(inputs) / (columns * height);
  Dataset data("x.npy", {.shape = {height, 1, columns}, .size = size});
  std::ranges::copy(inputs, data.float_inputs().begin());
  std::ranges::copy(labels, data.labels().begin());
  const Normalization identity;
  return look_at_inputs(Samples{&data, Subset::whole(size), &identity, &identity}, names, false);
}

TEST(LookAtInputs, EqualSamplesAreRefused) {
  EXPECT_THAT(refusal([] {
                return look_at_inputs(2, {1, 2, 1, 2, 1, 2});
              }),
              HasSubstr("65: x.npy: the inputs of all 3 training samples are identical"));
  EXPECT_EQ(refusal([] { return look_at_inputs(2, {1, 2}); }), "");
}

TEST(LookAtInputs, ConstantColumnsOfTablesAreNoted) {
  EXPECT_THAT(look_at_inputs(3, {1, 2, 5, 1, 3, 5}, {"a", "b", "c"}),
              ElementsAre("columns 0 ('a'), 2 ('c') of the inputs: constant over all "
                          "training samples"));
  EXPECT_THAT(look_at_inputs(3, {1, 2, 5, 1, 3, 5}, {}, 1).size(), 1u);
  EXPECT_THAT(look_at_inputs(1, {1, 2, 5, 1, 3, 5}, {}, 3), IsEmpty());  // a sequence
  std::vector<float> wide(2 * 40, 0.0f);                                 // likely pixels
  wide[3] = 1;
  EXPECT_THAT(look_at_inputs(40, wide), IsEmpty());
}

// Time stamps: floats cannot tell them apart before what they have in common is taken off.
TEST(LookAtInputs, AColumnWithAnOffsetIsNotConstantOnceNormalized) {
  const Normalization identity;
  Dataset data("x.npy", {.shape = {.channels = 2}, .size = 2});
  std::ranges::copy(std::vector<float>{0, 1, 1, 2}, data.float_inputs().begin());
  data.set_offsets({1.7e9, 0}, {});
  const auto constant = [&](const Normalization& inputs) {
    const Samples train{&data, Subset::whole(2), &inputs, &identity};
    const Notes notes = look_at_inputs(train, {"s", "b"}, false);
    return std::ranges::any_of(notes, [](const std::string& note) {
      return note.find("constant over") != std::string::npos;
    });
  };
  EXPECT_TRUE(constant(identity));
  EXPECT_FALSE(constant({{0.5f, 1.5f}, {2, 2}, {1.7e9, 0}}));
}

TEST(LookAtInputs, TheTargetAmongThemIsNoted) {
  std::vector<float> inputs;
  std::vector<std::int32_t> labels;
  for (int i = 0; i < 40; ++i) {
    labels.push_back(i % 3);
    inputs.insert(inputs.end(), {static_cast<float>(i), static_cast<float>(i % 3)});
  }
  EXPECT_THAT(look_at_inputs(2, inputs, {"a", "b"}, 1, labels),
              ElementsAre(HasSubstr("column 1 ('b') of the inputs: identical to the target")));
}

TEST(LookAtInputs, LargeNumbersAreNoted) {
  EXPECT_THAT(look_at_inputs(1, {1.7e9f, 1.8e9f}), ElementsAre(HasSubstr("data.normalize")));
  EXPECT_THAT(look_at_inputs(1, {90, -5}), IsEmpty());
}

// -- the network --

Notes look_at_network(std::unique_ptr<Layer> last, const Loss& loss, Index outputs = 3) {
  Network network({2, 1, 4});
  network.add(linear(outputs));
  network.add(std::move(last), "end");
  return look_at_network(network, loss, false);
}

TEST(LookAtNetwork, WhatBelongsToTheLossIsNoted) {
  const auto loss = cross_entropy();
  EXPECT_THAT(look_at_network(softmax(), *loss),
              ElementsAre(HasSubstr("'end', softmax, is the last")));
  EXPECT_THAT(look_at_network(relu(), *loss),
              ElementsAre(HasSubstr("its softmax to unbounded outputs")));
  EXPECT_THAT(look_at_network(sigmoid(), *binary_cross_entropy()),
              ElementsAre(HasSubstr("remove the layer")));
  EXPECT_THAT(look_at_network(dropout(0.5), *loss),
              ElementsAre(HasSubstr("zeroes outputs of the network")));
  EXPECT_THAT(look_at_network(linear(3), *loss), IsEmpty());
  EXPECT_THAT(look_at_network(relu(), *mean_squared_error()), IsEmpty());
  Network flat({2, 1, 4});
  flat.add(softmax(), "own");
  flat.add(flatten());
  EXPECT_THAT(look_at_network(flat, *loss, false), ElementsAre(HasSubstr("'own', softmax")));
}

TEST(LookAtNetwork, NormsOfOneNumberAreNoted) {
  EXPECT_THAT(look_at_network(layer_norm(), *mean_squared_error(), 1),
              ElementsAre(HasSubstr("does not depend on its input")));
  EXPECT_THAT(look_at_network(layer_norm(), *mean_squared_error(), 2), IsEmpty());
}

TEST(LookAtNetwork, ATextIsNotReadAhead) {
  Network network({8, 1, 4});
  network.add(attention({.heads = 2}), "mix");
  network.add(linear(5));
  EXPECT_THAT(look_at_network(network, *cross_entropy(), true),
              ElementsAre(HasSubstr("'mix', attention, sees the symbols after each position")));
  EXPECT_THAT(look_at_network(network, *cross_entropy(), false), IsEmpty());
}

// -- statistics of microbatches --

Network normalized(Shape input) {
  Network network(input);
  network.add(batch_norm(), "bn");
  return network;
}

TEST(LookAtStatistics, OneValueInEachMicrobatchIsRefused) {
  const Network network = normalized({1, 1, 4});
  EXPECT_EQ(most_microbatches(network, 8), 4);
  EXPECT_EQ(most_microbatches(network, 1), 1);
  EXPECT_THAT(refusal([&] { return look_at_statistics(network, 80, 8, 8, true); }),
              HasSubstr("78: layer 'bn', batch_norm, cannot learn: a batch of 8 has 8 "
                        "microbatches of one sample"));
  EXPECT_THAT(refusal([&] { return look_at_statistics(network, 80, 8, 8, true); }),
              HasSubstr("parallel.microbatches=4"));
  EXPECT_THAT(look_at_statistics(network, 80, 8, 8, false),
              ElementsAre(HasSubstr("8 of the 8 microbatches of every batch")));
  EXPECT_THAT(refusal([&] { return look_at_statistics(network, 80, 1, 1, true); }),
              HasSubstr("larger data.batch"));
  EXPECT_THAT(look_at_statistics(network, 80, 8, 4, true), IsEmpty());
}

TEST(LookAtStatistics, SomeOfOneValueAreNoted) {
  const Network network = normalized({1, 1, 4});
  EXPECT_THAT(look_at_statistics(network, 120, 12, 8, true),
              ElementsAre(HasSubstr("4 of the 8 microbatches of every batch of 12")));
  EXPECT_THAT(
      look_at_statistics(network, 150, 8, 4, true),
      ElementsAre(HasSubstr("2 of the 4 microbatches of the last batch of an epoch, of 6")));
  EXPECT_THAT(look_at_statistics(network, 65, 64, 8, true),
              ElementsAre(HasSubstr("1 of the 8 microbatches of the last batch")));
}

// Positions are values, too: an image is enough.
TEST(LookAtStatistics, OfImagesOneSampleIsEnough) {
  const Network network = normalized({3, 3, 4});
  EXPECT_EQ(most_microbatches(network, 8), 8);
  EXPECT_THAT(look_at_statistics(network, 65, 8, 8, true), IsEmpty());
  Network without({1, 1, 4});
  without.add(layer_norm());
  EXPECT_THAT(look_at_statistics(without, 65, 8, 8, true), IsEmpty());
}

}  // namespace
}  // namespace lockstep
