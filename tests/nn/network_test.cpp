#include "lockstep/nn/network.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "lockstep/base/error.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/nn/file_layout.hpp"
#include "lockstep/nn/layers.hpp"
#include "lockstep/nn/workspace.hpp"

namespace lockstep {
namespace {

// y = a + b; exists to test networks in which a value has several consumers.
class Add : public Layer {
 public:
  std::string_view type() const override { return "add"; }
  LayerPlan plan(std::span<const Shape> inputs, const Capacity&) const override {
    LayerPlan plan;
    plan.output = inputs[0];
    return plan;
  }
  void forward(const LayerForward& f) const override {
    for (Index i = 0; i < f.pass.samples() * f.output.shape.size(); ++i) {
      f.output.data[i] = f.inputs[0].data[i] + f.inputs[1].data[i];
    }
  }
  void backward(const LayerBackward& b) const override {
    for (const Tensor& dx : b.input_gradients) {
      for (Index i = 0; dx.data != nullptr && i < b.pass.samples() * dx.shape.size(); ++i) {
        dx.data[i] = b.output_gradient.data[i];
      }
    }
  }
};

TEST(Network, InfersShapesAndNamesParameters) {
  Network network({4, 4, 1});
  network.add(flatten());
  network.add(linear(5), "fc");
  network.add(relu());
  EXPECT_EQ(network.output_shape(), (Shape{1, 1, 5}));
  const auto& parameters = network.parameters().parameters();
  ASSERT_EQ(parameters.size(), 2u);
  EXPECT_EQ(parameters[0].name, "fc.weight");
  EXPECT_EQ(parameters[0].file_shape(), (std::vector<Index>{5, 16}));
  EXPECT_EQ(parameters[1].name, "fc.bias");
  EXPECT_EQ(parameters[1].offset % 16, 0);
  EXPECT_EQ(network.parameters().count(), 85);
}

TEST(Network, NamesTheLayerThatDoesNotFit) {
  Network network({4, 4, 3});
  try {
    network.add(linear(1 << 30), "too_big");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::config);
    EXPECT_NE(std::string_view(error.what()).find("layer 'too_big'"), std::string_view::npos);
  }
}

TEST(Network, ReportsFallingOffsetsWhileItGoesBack) {
  Network network({.channels = 3});
  network.add(linear(4));
  network.add(relu());
  network.add(linear(2));
  Workspace workspace(network, {.samples = 1, .microbatches = 1, .threads = thread_count()});
  std::vector<Real> parameters(static_cast<std::size_t>(network.parameters().size()), 1);
  std::vector<Real> gradients(parameters.size());
  const Microbatch one{0, 0, 1};
  const Pass pass{.microbatches = {&one, 1}, .training = true, .random = {}};
  network.forward(parameters, pass, workspace);
  const GradientBlock block{{0, 1}, gradients};
  std::vector<Index> offsets;
  network.backward(parameters, pass, workspace, {&block, 1},
                   [&](Index o) { offsets.push_back(o); });
  const Index second = network.nodes()[2].first_offset;
  EXPECT_EQ(offsets, (std::vector<Index>{second, second, 0}));
}

// y = w (u + v) with u = a x, v = u: the gradient of a counts both ways.
TEST(Network, AddsTheGradientsOfAllConsumersOfAValue) {
  Network network({.channels = 1});
  const Value u = network.add(linear(1, {.bias = false}), "a");
  const Value sum = network.add(std::make_unique<Add>(), "sum", {u, u});
  const Value again = network.add(std::make_unique<Add>(), "again", {sum, u});
  network.add(linear(1, {.bias = false}), "w", {again});
  Workspace workspace(network, {.samples = 1, .microbatches = 1, .threads = thread_count()});
  std::vector<Real> parameters(static_cast<std::size_t>(network.parameters().size()));
  const Index a = network.parameters().parameters()[0].offset;
  const Index w = network.parameters().parameters()[1].offset;
  parameters[static_cast<std::size_t>(a)] = 2;
  parameters[static_cast<std::size_t>(w)] = 5;
  std::vector<Real> gradients(parameters.size());
  const Microbatch one{0, 0, 1};
  const Pass pass{.microbatches = {&one, 1}, .training = true, .random = {}};
  workspace.input().data[0] = 7;
  network.forward(parameters, pass, workspace);
  EXPECT_EQ(workspace.output().data[0], 5 * 3 * 2 * 7);
  workspace.output_gradient().data[0] = 1;
  const GradientBlock block{{0, 1}, gradients};
  for (int round = 0; round < 2; ++round) {  // set, not added to
    network.backward(parameters, pass, workspace, {&block, 1}, [](Index) {});
    EXPECT_EQ(gradients[static_cast<std::size_t>(a)], 3 * 5 * 7);
    EXPECT_EQ(gradients[static_cast<std::size_t>(w)], 3 * 2 * 7);
  }
}

TEST(NetworkParameters, FileLayoutIsATranspositionOfThePanels) {
  Network network({.channels = 3});
  network.add(linear(2), "fc");
  std::vector<Real> flat(static_cast<std::size_t>(network.parameters().size()));
  const Parameter& weight = network.parameters().parameters()[0];
  for (Index i = 0; i < 6; ++i) {  // (in, out) = (3, 2)
    flat[static_cast<std::size_t>(weight.spec.stored_at(i))] = static_cast<Real>(i);
  }
  std::vector<Real> file(6);
  to_file_layout(weight, flat, file);
  EXPECT_EQ(file, (std::vector<Real>{0, 2, 4, 1, 3, 5}));
  std::vector<Real> back(flat.size());
  from_file_layout(weight, file, back);
  EXPECT_EQ(back, flat);
}

TEST(NetworkParameters, PartsOfTheBufferMakeTheWholeTensorInFiles) {
  Network network({.height = 4, .width = 4, .channels = 3});
  network.add(conv2d(21), "conv");
  network.add(linear(40), "fc");
  const ParameterTable& table = network.parameters();
  std::vector<Real> flat(static_cast<std::size_t>(table.size()));
  std::iota(flat.begin(), flat.end(), Real{1});
  for (const Parameter& p : table.parameters()) {
    std::vector<Real> whole(static_cast<std::size_t>(p.spec.size()));
    to_file_layout(p, flat, whole);
    std::vector<Real> found(whole.size());
    for (Range part{0, 0}; part.begin < table.size(); part.begin = part.end) {
      part.end = std::min<Index>(part.begin + 37, table.size());
      const auto values = std::span(flat).subspan(static_cast<std::size_t>(part.begin),
                                                  static_cast<std::size_t>(part.size()));
      to_file_layout(p, part, values, std::as_writable_bytes(std::span(found)));
    }
    EXPECT_EQ(found, whole) << p.name;
  }
}

// Initial values are those of the elements, wherever these are stored.
TEST(NetworkParameters, InitialValuesDoNotDependOnThePanels) {
  Network network({.channels = 3});
  network.add(linear(40), "fc");
  const Parameter& weight = network.parameters().parameters()[0];
  std::vector<Real> flat(static_cast<std::size_t>(network.parameters().size()));
  network.parameters().initialize(5, flat);
  std::vector<Real> plain(120);
  initialize(weight.spec.initializer, {.seed = 5, .purpose = RandomPurpose::initialization}, plain);
  for (Index i = 0; i < 120; ++i) {
    EXPECT_EQ(flat[static_cast<std::size_t>(weight.spec.stored_at(i))],
              plain[static_cast<std::size_t>(i)]);
  }
}

// An activation lies where its input lies, unless somebody else needs that.
TEST(Workspace, ElementwiseLayersWorkInPlaceWhereNobodyReadsTheirInputAgain) {
  Network chain({.channels = 3});
  chain.add(linear(4));
  chain.add(relu());
  chain.add(linear(4));
  const Workspace in_place(chain, {.samples = 16, .microbatches = 1});

  Network other({.channels = 3});
  other.add(linear(4));
  other.add(linear(4));  // reads its input in backward
  other.add(linear(4));
  const Workspace apart(other, {.samples = 16, .microbatches = 1});
  EXPECT_EQ(apart.bytes() - in_place.bytes(), 2 * 16 * 4 * static_cast<Index>(sizeof(Real)));

  Network kept({.channels = 3});
  kept.add(tanh());  // reads its output in backward, so the next one may not overwrite it
  kept.add(relu());
  const Workspace two(kept, {.samples = 16, .microbatches = 1}, /*training=*/false);
  Network single({.channels = 3});
  single.add(tanh());
  const Workspace one(single, {.samples = 16, .microbatches = 1}, /*training=*/false);
  EXPECT_EQ(two.bytes() - one.bytes(), 16 * 3 * static_cast<Index>(sizeof(Real)));
}

}  // namespace
}  // namespace lockstep
