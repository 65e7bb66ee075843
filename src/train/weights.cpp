#include "lockstep/train/weights.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

#include "lockstep/comm/agreement.hpp"
#include "lockstep/comm/topology.hpp"
#include "lockstep/io/atomic_file.hpp"
#include "lockstep/io/sealed.hpp"
#include "lockstep/train/run_info.hpp"
#include "lockstep/train/updater.hpp"
#include "lockstep/train/version.hpp"
#include "train/look/statistics.hpp"

namespace lockstep {
namespace {

constexpr std::size_t kMostProblems = 10;  // that are listed

void describe(const Hdf5Reader& checkpoint, Safetensors& content) {
  content.metadata["format"] = "pt";  // layouts of PyTorch; some of its loaders insist on it
  content.metadata["lockstep_version"] = build_info().version;
  content.metadata["step"] = fmt::format("{}", checkpoint.count_attribute("/", "step"));
  content.metadata["state_digest"] = checkpoint.text_attribute("/digest", "state");
  // Without these the network sees other inputs than it has learned from.
  for (const std::string name :
       {"input_mean", "input_inverse_std", "target_mean", "target_inverse_std"}) {
    const std::string path = "/data/" + name;
    if (!checkpoint.has(path)) continue;
    content.metadata[name] = fmt::format("[{}]", fmt::join(checkpoint.floats(path), ", "));
  }
}

std::string layer_of(const std::string& parameter) {
  return parameter.substr(0, parameter.rfind('.'));
}

/// What does not fit, one line for each tensor.
std::vector<std::string> problems_of(const Safetensors& weights, const ParameterTable& table) {
  std::vector<std::string> problems;
  for (const Parameter& p : table.parameters()) {
    const SafetensorsTensor* const found = weights.find(p.name);
    const std::string expected = fmt::format("'{}' of layer '{}': expected shape ({})", p.name,
                                             layer_of(p.name), fmt::join(p.file_shape(), ", "));
    if (found == nullptr) {
      problems.push_back(expected + ", but the file does not have it");
    } else if (found->shape != p.file_shape()) {
      problems.push_back(expected + fmt::format(", found ({})", fmt::join(found->shape, ", ")));
    }
  }
  for (const SafetensorsTensor& tensor : weights.tensors) {
    const bool known = std::ranges::find(table.parameters(), tensor.name, &Parameter::name) !=
                           table.parameters().end() ||
                       tensor.name.ends_with(".num_batches_tracked");
    if (!known) {
      problems.push_back(fmt::format("'{}' with shape ({}): no layer of the network has it",
                                     tensor.name, fmt::join(tensor.shape, ", ")));
    }
  }
  return problems;
}

/// A run at its beginning, but with these parameters.
Checkpoint beginning_of(const Setup& setup, Index microbatches, Buffer<Real> parameters) {
  Checkpoint checkpoint;
  checkpoint.info = info_of(setup, microbatches);
  checkpoint.inputs = setup.data->inputs;
  checkpoint.targets = setup.data->targets;
  for (const std::string_view slot : state_slots(setup)) {
    Buffer<Real>& state = checkpoint.optimizer.emplace_back(setup.network->parameters().size());
    if (slot == kAverageSlot) std::ranges::copy(parameters.span(), state.span().begin());
  }
  checkpoint.parameters = std::move(parameters);
  return checkpoint;
}

}  // namespace

ExportedWeights export_weights(const Hdf5Reader& checkpoint, bool last) {
  static_cast<void>(read_info(checkpoint));  // it is a checkpoint
  ExportedWeights weights;
  weights.averaged = !last && checkpoint.has("/optimizer/" + std::string(kAverageSlot));
  const std::string group =
      weights.averaged ? "/optimizer/" + std::string(kAverageSlot) : std::string("/model");
  describe(checkpoint, weights.content);
  for (const std::string& name : checkpoint.list(group)) {
    const std::string path = group + "/" + name;
    const std::vector<float>& numbers = weights.numbers.emplace_back(checkpoint.floats(path));
    weights.content.tensors.push_back({.name = name,
                                       .dtype = "F32",
                                       .shape = checkpoint.shape_of(path),
                                       .data = std::as_bytes(std::span(numbers))});
  }
  return weights;
}

Buffer<Real> parameters_from(const Safetensors& weights, const Network& network,
                             const std::string& label) {
  const ParameterTable& table = network.parameters();
  std::vector<std::string> problems = problems_of(weights, table);
  if (!problems.empty()) {
    const std::size_t more = problems.size() - std::min(problems.size(), kMostProblems);
    problems.resize(problems.size() - more);
    if (more > 0) problems.push_back(fmt::format("and {} more", more));
    throw Error(ExitCode::bad_data, fmt::format("{} does not fit the network\n  {}", label,
                                                fmt::join(problems, "\n  ")));
  }
  Buffer<Real> flat(table.size());
  for (const Parameter& p : table.parameters()) {
    try {
      from_file_layout(p, weights.find(p.name)->floats(), flat.span());
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("{}: {}", label, error.what()));
    }
  }
  return flat;
}

Index import_weights(const Communicator& world, const ImportRequest& request,
                     const Safetensors& weights) {
  const Topology topology(world);
  const Setup setup = set_up(topology, request.config_file, request.overrides);
  on_root(topology.ranks(), [&] {
    const Index batch = setup.config.data.batch;
    const Index microbatches =
        choose_microbatches(setup.config.parallel.microbatches, batch, world.size(),
                            most_microbatches(*setup.network, batch));
    const Checkpoint checkpoint = beginning_of(
        setup, microbatches, parameters_from(weights, *setup.network, request.weights));
    const CheckpointImage image = encode(checkpoint, *setup.network, state_slots(setup));
    write_atomically(request.out, {image.bytes, seal_of(image.bytes, 0)});
  });
  return setup.network->parameters().count();
}

}  // namespace lockstep
