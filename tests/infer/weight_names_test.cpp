#include "infer/weight_names.hpp"

#include <gtest/gtest.h>

#include "io/testing.hpp"
#include "lockstep/nn/layers.hpp"
#include "lockstep/nn/network.hpp"

namespace lockstep {
namespace {

Network network() {
  Network network({.channels = 3});
  network.add(linear(4), "fc1");
  network.add(batch_norm(), "norm");
  network.add(linear(2), "fc2");
  return network;
}

/// Tensors with the names of the network, each changed.
template <typename Change>
Safetensors named(const Change& change) {
  Safetensors weights;
  const Network given = network();
  for (const Parameter& p : given.parameters().parameters()) {
    weights.tensors.push_back({change(p.name), "F32", p.file_shape(), {}});
  }
  weights.tensors.push_back({change("norm.num_batches_tracked"), "I64", {}, {}});
  return weights;
}

Safetensors behind(const std::string& prefix) {
  return named([&](const std::string& name) { return prefix + name; });
}

std::vector<std::string> names_of(const Safetensors& weights) {
  std::vector<std::string> names;
  for (const SafetensorsTensor& tensor : weights.tensors) names.push_back(tensor.name);
  return names;
}

NamedWeights named_as_network(const Safetensors& weights, const std::string& prefix = {}) {
  return named_as(weights, network().parameters(), prefix, "w.safetensors");
}

TEST(WeightNames, AreLeftAloneIfTheyFitOrCannot) {
  EXPECT_EQ(names_of(named_as_network(behind("")).weights), names_of(behind("")));
  EXPECT_EQ(named_as_network(behind("")).note, "");
  Safetensors other = behind("module.");
  other.tensors.push_back({"module.fc3.weight", "F32", {1}, {}});
  EXPECT_EQ(names_of(named_as_network(other).weights), names_of(other));
}

TEST(WeightNames, LoseWhatPyTorchsWrappersPutThere) {
  for (const std::string prefix :
       {"module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."}) {
    const NamedWeights found = named_as_network(behind(prefix));
    EXPECT_EQ(names_of(found.weights), names_of(behind(""))) << prefix;
    EXPECT_NE(found.note.find("PyTorch's wrappers"), std::string::npos);
  }
  // Where one layer was compiled, and the counters of another file are not wrapped.
  const auto compiled = named([](const std::string& name) {
    return name.starts_with("fc2") ? "fc2._orig_mod" + name.substr(3) : name;
  });
  EXPECT_EQ(names_of(named_as_network(compiled).weights), names_of(behind("")));
}

TEST(WeightNames, LoseABeginningThatAllOfThemShare) {
  for (const std::string prefix : {"net.", "state_dict.model.", "a.b.c."}) {
    const NamedWeights found = named_as_network(behind(prefix));
    EXPECT_EQ(names_of(found.weights), names_of(behind(""))) << prefix;
    EXPECT_EQ(found.note, "names without '" + prefix + "', which all of them begin with");
  }
}

TEST(WeightNames, LoseThePrefixThatIsGiven) {
  Safetensors weights = behind("net.");
  weights.tensors.push_back({"loss.weight", "F32", {3}, {}});
  const NamedWeights found = named_as_network(weights, "net.");
  EXPECT_EQ(found.weights.tensors.front().name, "fc1.weight");
  EXPECT_EQ(found.weights.tensors.back().name, "loss.weight");
  EXPECT_EQ(found.note, "");
  EXPECT_NE(naming_hint(weights, network().parameters()).find("try: --strip-prefix net."),
            std::string::npos);
  EXPECT_NE(naming_hint(weights, network().parameters()).find("8 of the network's 8"),
            std::string::npos);
  EXPECT_EQ(naming_hint(behind(""), network().parameters()), "");
  expect_error(ExitCode::bad_data,
               "w.safetensors: --strip-prefix: no name begins with 'body.'; the first is 'net.fc1",
               [&] { (void)named_as_network(weights, "body."); });
  weights.tensors.push_back({"fc1.weight", "F32", {4, 3}, {}});
  expect_error(ExitCode::bad_data, "'fc1.weight' is there twice once the prefix is taken off",
               [&] { (void)named_as_network(weights, "net."); });
}

}  // namespace
}  // namespace lockstep
