#include "lockstep/run/checkpoint.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "lockstep/base/error.hpp"
#include "lockstep/io/digest.hpp"
#include "lockstep/nn/layers.hpp"

namespace lockstep {
namespace {

constexpr std::string_view kSlots[] = {"exp_avg", "exp_avg_sq"};

Network network_of(Index hidden = 4) {
  Network network({.channels = 3});
  network.add(linear(hidden), "fc1");
  network.add(relu());
  network.add(linear(2), "fc10");  // a name that begins like another
  return network;
}

Checkpoint sample(const Network& network) {
  Checkpoint c;
  c.info = {.step = 25,
            .config = "[run]\nseed = 5\n",
            .graph = graph_of(network),
            .data_digest = "abc",
            .split = "holdout 0.1",
            .loss = "cross_entropy",
            .optimizer = "adamw",
            .slots = "exp_avg exp_avg_sq",
            .seed = 5,
            .train_samples = 100,
            .batch = 16,
            .microbatches = 8,
            .shuffle = true,
            .input = network.input_shape(),
            .steps_per_epoch = 7,
            .class_names = {"no", "yes"},
            .columns = {{"", "height", "width"}, "kind", ""},
            .vocabulary = Vocabulary::of_text("a\nb", "x")};
  c.progress.epoch_sums = {1.5, 2, 0, 0};
  c.progress.epoch_samples = 64;
  c.progress.epoch_ignored = 5;
  c.progress.error_average = 0.25;
  c.progress.error_weight = 0.5;
  c.progress.milestone_steps = {3, 4, 9, 0, 0};
  c.progress.best = BestMetric{"val/acc", 0.75, 21};
  c.progress.stop = {BestMetric{"val/loss", 0.5, 14}, 3};
  c.progress.flat_steps = 4;
  c.progress.plateau = {BestMetric{"val/acc", 0.5, 7}, 2};
  c.progress.rate_drops = 1;
  c.progress.skipped = 2;
  c.progress.rollbacks = 3;
  c.progress.add_history(7, 1, {{"loss", 2.0}, {"acc", 0.1}}, {});
  c.progress.add_history(14, 2, {{"loss", 1.0}, {"acc", 0.2}}, {{"loss", 1.1}, {"acc", 0.3}});
  c.inputs = {{1, 2, 3}, {4, 5, 6}, {1.7e9 + 1, 0, -1e15}};
  const Index size = network.parameters().size();
  c.parameters = Buffer<Real>(size);
  network.parameters().initialize(5, c.parameters.span());
  for (int slot = 0; slot < 2; ++slot) {
    c.optimizer.emplace_back(size);
    network.parameters().initialize(6 + static_cast<std::uint64_t>(slot),
                                    c.optimizer.back().span());
  }
  return c;
}

bool same(std::span<const Real> a, std::span<const Real> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

TEST(Checkpoint, ComesBackAsItWasWritten) {
  const Network network = network_of();
  const Checkpoint before = sample(network);
  const CheckpointImage image = encode(before, network, kSlots);
  const Checkpoint after = decode(Hdf5Reader(image.bytes, "x.h5"), network, kSlots);
  EXPECT_TRUE(same(before.parameters.span(), after.parameters.span()));
  for (std::size_t i = 0; i < 2; ++i)
    EXPECT_TRUE(same(before.optimizer[i].span(), after.optimizer[i].span()));
  EXPECT_EQ(after.info.step, 25u);
  EXPECT_EQ(after.info.config, before.info.config);
  EXPECT_EQ(after.info.difference(before.info), "");
  EXPECT_EQ(after.info.input, before.info.input);
  EXPECT_EQ(after.info.class_names, before.info.class_names);
  EXPECT_EQ(after.info.columns, before.info.columns);
  EXPECT_EQ(after.info.vocabulary, before.info.vocabulary);
  EXPECT_EQ(after.inputs, before.inputs);
  EXPECT_EQ(after.targets, before.targets);
  EXPECT_EQ(after.progress.epoch_sums, before.progress.epoch_sums);
  EXPECT_EQ(after.progress.milestone_steps, before.progress.milestone_steps);
  EXPECT_EQ(after.progress.best->value, 0.75);
  EXPECT_EQ(after.progress.stop.best->metric, "val/loss");
  EXPECT_EQ(after.progress.stop.best->value, 0.5);
  EXPECT_EQ(after.progress.stop.best->step, 14u);
  EXPECT_EQ(after.progress.stop.evaluations, 3);
  EXPECT_EQ(after.progress.flat_steps, 4);
  EXPECT_EQ(after.progress.plateau.best->step, 7u);
  EXPECT_EQ(after.progress.plateau.evaluations, 2);
  EXPECT_EQ(after.progress.rate_drops, 1);
  EXPECT_EQ(after.progress.epoch_ignored, 5);
  EXPECT_EQ(after.progress.skipped, 2);
  EXPECT_EQ(after.progress.rollbacks, 3);

  // Also when it is written once more: what was read decides every byte.
  EXPECT_TRUE(std::ranges::equal(encode(after, network, kSlots).bytes, image.bytes));
}

TEST(Checkpoint, TakesItsStatePartByPartInAnyOrder) {
  const Network network = network_of();
  const Checkpoint whole = sample(network);
  CheckpointDraft draft(whole, network, kSlots);
  constexpr Index kPart = 100;  // fits neither tensors nor their panels
  const Index size = network.parameters().size();
  for (const std::size_t group : {2u, 0u, 1u}) {
    const Buffer<Real>& flat = group == 0 ? whole.parameters : whole.optimizer[group - 1];
    for (Index begin = (size - 1) / kPart * kPart; begin >= 0; begin -= kPart) {
      const Range part{begin, std::min(begin + kPart, size)};
      draft.set(group, part, flat.span(part.begin, part.size()));
    }
  }
  const CheckpointImage image = std::move(draft).finish();
  EXPECT_TRUE(std::ranges::equal(image.bytes, encode(whole, network, kSlots).bytes));
}

TEST(Checkpoint, GoesOnWithItsHistory) {
  const Network network = network_of();
  const CheckpointImage image = encode(sample(network), network, kSlots);
  Checkpoint undisturbed = sample(network);
  Checkpoint resumed = decode(Hdf5Reader(image.bytes, "x.h5"), network, kSlots);
  for (Checkpoint* c : {&undisturbed, &resumed}) {
    c->progress.add_history(21, 3, {{"loss", 0.5}, {"acc", 0.6}}, {{"loss", 0.7}, {"acc", 0.8}});
  }
  EXPECT_TRUE(std::ranges::equal(encode(resumed, network, kSlots).bytes,
                                 encode(undisturbed, network, kSlots).bytes));
}

TEST(Checkpoint, DigestsChangeWithEveryTensor) {
  const Network network = network_of();
  Checkpoint c = sample(network);
  const std::string before = encode(c, network, kSlots).state_digest;
  c.optimizer[1].data()[0] += 1;
  EXPECT_NE(encode(c, network, kSlots).state_digest, before);
}

// The digest of the state is that of the numbers in our own order; those of the tensors are those
// of what the file has, in PyTorch's.
TEST(Checkpoint, DigestsOfTheStateDoNotKnowTheOrderOfFiles) {
  Network network({2, 3, 3});
  network.add(flatten());
  network.add(linear(2), "fc");
  const Checkpoint c = sample(network);
  const CheckpointImage image = encode(c, network, kSlots);
  Digester state;
  for (const std::string group : {"model", "optimizer/exp_avg", "optimizer/exp_avg_sq"}) {
    const std::span<const Real> flat = group == "model"               ? c.parameters.span()
                                       : group == "optimizer/exp_avg" ? c.optimizer[0].span()
                                                                      : c.optimizer[1].span();
    for (const Parameter& p : network.parameters().parameters()) {
      const std::string name = group + "/" + p.name;
      std::vector<Real> numbers(static_cast<std::size_t>(p.spec.size()));
      to_file_layout(p, flat, numbers);
      state.update(std::as_bytes(std::span(name)));
      state.update(std::as_bytes(std::span(numbers)));
    }
  }
  EXPECT_EQ(image.state_digest, state.finish().hex());
  const Hdf5Reader file(image.bytes, "x.h5");
  const std::vector<float> weight = file.floats("/model/fc.weight");
  const Parameter& p = network.parameters().parameters()[0];
  EXPECT_EQ(weight[1],
            c.parameters.data()[p.offset + p.spec.stored_at(3 * 2)]);  // (0, 1), channel 0
  EXPECT_EQ(file.text_attribute("/digest", "model/fc.weight"),
            digest_of(std::as_bytes(std::span(weight))).hex());
  const Checkpoint back = decode(file, network, kSlots);
  EXPECT_TRUE(same(c.parameters.span(), back.parameters.span()));
  EXPECT_TRUE(same(c.optimizer[1].span(), back.optimizer[1].span()));
}

TEST(Checkpoint, NamesTheFieldInWhichARunDiffers) {
  const Network network = network_of();
  const CheckpointInfo info = sample(network).info;
  const auto difference = [&](auto change) {
    CheckpointInfo other = info;
    change(other);
    return info.difference(other);
  };
  EXPECT_EQ(
      difference([](CheckpointInfo& i) { i.graph = graph_of(network_of(5)); }),
      "model: the checkpoint has layer 'fc1' of type linear with output [1,1,4] and parameters "
      "{\"weight\":[4,3],\"bias\":[4]}, this run has layer 'fc1' of type linear with output "
      "[1,1,5] and parameters {\"weight\":[5,3],\"bias\":[5]}");
  const std::string deep(1'000'000, '[');
  for (const std::string& graph :
       {std::string("{"), std::string("[]"), std::string(R"({"layers":[1]})"),
        std::string(R"({"layers":[{"name":1}]})"), R"({"layers":)" + deep}) {
    EXPECT_NE(difference([&](CheckpointInfo& i) {
                i.graph = graph;
              }).find("this run has an unreadable description"),
              std::string::npos);
  }
  EXPECT_NE(difference([&](CheckpointInfo& i) {
              i.graph = R"({"input":)" + deep + std::string(deep.size(), ']') + "}";
            }),
            "");
  EXPECT_EQ(difference([](CheckpointInfo& i) { i.data_digest = "x"; }).find("data set"), 0u);
  EXPECT_EQ(difference([](CheckpointInfo& i) { i.microbatches = 16; }),
            "parallel.microbatches: the checkpoint has 8, this run has 16");
  EXPECT_EQ(difference([](CheckpointInfo& i) { i.batch = 32; }).find("data.batch"), 0u);
  EXPECT_EQ(difference([](CheckpointInfo& i) { i.seed = 6; }).find("run.seed"), 0u);
  EXPECT_EQ(difference([](CheckpointInfo& i) { i.optimizer = "sgd"; }).find("optimizer"), 0u);
  EXPECT_EQ(difference([](CheckpointInfo& i) { i.loss = "mse"; }).find("loss"), 0u);
  EXPECT_EQ(difference([](CheckpointInfo& i) { i.slots = ""; }),
            "state of the optimizer: the checkpoint has " + info.slots + ", this run has none");
  EXPECT_EQ(difference([](CheckpointInfo& i) { i.class_names = {"no"}; }),
            "names of the classes: the checkpoint has no, yes, this run has no");
  EXPECT_EQ(difference([](CheckpointInfo& i) { i.class_names = {}; }),
            "names of the classes: the checkpoint has no, yes, this run has none");
  EXPECT_EQ(difference([](CheckpointInfo& i) { i.vocabulary = Vocabulary::of_text("abc", "x"); }),
            "symbols of the text: the checkpoint has 3, this run has 3 others");
  EXPECT_EQ(difference([](CheckpointInfo& i) { i.step = 1; }), "");
}

TEST(Checkpoint, TensorsOfAnotherShapeAreRefused) {
  const CheckpointImage image = encode(sample(network_of()), network_of(), kSlots);
  const Hdf5Reader file(image.bytes, "x.h5");
  try {
    (void)decode(file, network_of(5), kSlots);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    EXPECT_NE(std::string_view(error.what())
                  .find("'model/fc1.weight': expected shape (5, 3), found (4, 3)"),
              std::string_view::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace lockstep
