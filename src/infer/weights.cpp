#include "lockstep/infer/weights.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <string_view>

#include "infer/weight_names.hpp"
#include "lockstep/comm/agreement.hpp"
#include "lockstep/comm/topology.hpp"
#include "lockstep/infer/trained_model.hpp"
#include "lockstep/io/atomic_file.hpp"
#include "lockstep/io/sealed.hpp"
#include "lockstep/nn/file_order.hpp"
#include "lockstep/run/checkpoint_paths.hpp"
#include "lockstep/run/run_info.hpp"
#include "lockstep/run/version.hpp"
#include "lockstep/train/updater.hpp"
#include "run/checkpoint_tensors.hpp"
#include "setup/look/statistics.hpp"

namespace lockstep {
namespace {

constexpr std::size_t kMostProblems = 10;  // that are listed

template <typename T>
std::string list_text(const std::vector<T>& numbers) {
  return fmt::format("[{}]", fmt::join(numbers, ", "));
}

/// What is taken off the numbers of each channel, all in all. `prefix` is that of
/// `read_normalization`.
std::string means_text(const Hdf5Reader& checkpoint, const std::string& prefix) {
  if (!checkpoint.has(prefix + "offset")) return list_text(checkpoint.floats(prefix + "mean"));
  std::vector<double> means = checkpoint.doubles(prefix + "mean");
  const std::vector<double> offsets = checkpoint.doubles(prefix + "offset");
  for (std::size_t c = 0; c < std::min(means.size(), offsets.size()); ++c) means[c] += offsets[c];
  return list_text(means);
}

void describe(const Hdf5Reader& checkpoint, Safetensors& content) {
  content.metadata["format"] = "pt";  // layouts of PyTorch; some of its loaders insist on it
  content.metadata["lockstep_version"] = build_info().version;
  content.metadata["format_version"] = fmt::format("{}", kCheckpointVersion);
  content.metadata["step"] = fmt::format("{}", checkpoint.count_attribute(kRootGroup, "step"));
  content.metadata["state_digest"] = checkpoint.text_attribute(kDigestGroup, "state");
  // Without these the network sees other inputs than it has learned from.
  for (const std::string& prefix : {kInputPrefix, kTargetPrefix}) {
    const std::string name = prefix.substr(kDataGroup.size() + 1);
    if (!checkpoint.has(prefix + "mean")) continue;
    content.metadata[name + "mean"] = means_text(checkpoint, prefix);
    content.metadata[name + "inverse_std"] = list_text(checkpoint.floats(prefix + "inverse_std"));
  }
}

std::string layer_of(const std::string& parameter) {
  return parameter.substr(0, parameter.rfind('.'));
}

/// What the shape that was found may be, in words that follow it.
std::string guess(const std::vector<Index>& expected, const std::vector<Index>& found) {
  constexpr std::array<std::string_view, 5> kAxes = {"", "", " (outputs, inputs)",
                                                     " (outputs, inputs, places)",
                                                     " (outputs, inputs, rows, columns)"};
  if (expected.size() > 1 && expected.size() < kAxes.size() && expected.size() == found.size() &&
      std::ranges::is_permutation(expected, found)) {
    return fmt::format("; the axes have another order, PyTorch's is{}", kAxes[expected.size()]);
  }
  const auto count = [](const std::vector<Index>& shape) {
    return std::accumulate(shape.begin(), shape.end(), 1.0, std::multiplies());
  };
  return count(expected) == count(found) ? "; as many numbers: reshape it" : "";
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
      problems.push_back(expected + fmt::format(", found ({})", fmt::join(found->shape, ", ")) +
                         guess(p.file_shape(), found->shape));
    }
  }
  for (const SafetensorsTensor& tensor : weights.tensors) {
    const bool known = std::ranges::find(table.parameters(), tensor.name, &Parameter::name) !=
                           table.parameters().end() ||
                       counts_batches(tensor.name);
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

/// The parameters' numbers in the table, by their names.
std::vector<std::size_t> by_name(const std::vector<Parameter>& parameters) {
  std::vector<std::size_t> numbers(parameters.size());
  std::iota(numbers.begin(), numbers.end(), std::size_t{0});
  std::ranges::sort(numbers, {}, [&](std::size_t i) { return parameters[i].name; });
  return numbers;
}

/// The version of the checkpoint that weights come from; the newest if they are a stranger's.
/// Errors: Error(bad_data) if it is none that is known.
std::uint64_t version_of(const Safetensors& weights, const std::string& label) {
  if (!weights.metadata.contains("lockstep_version")) return kCheckpointVersion;
  const auto found = weights.metadata.find("format_version");
  if (found == weights.metadata.end()) return 1;
  for (std::uint64_t version = 1; version <= kCheckpointVersion; ++version) {
    if (found->second == fmt::format("{}", version)) return version;
  }
  throw Error(ExitCode::bad_data,
              fmt::format("{}: format_version: this trainer reads 1 to {}, found '{}'; use a newer "
                          "program",
                          label, kCheckpointVersion, found->second));
}

}  // namespace

std::string no_order_note(const std::string& exception) {
  return fmt::format(
      "no order of channels is PyTorch's: {}; what follows flatten numbers them as (height, width, "
      "channels)",
      exception);
}

ExportedWeights export_weights(const Hdf5Reader& checkpoint, const std::string& path, bool last) {
  const CheckpointInfo info = read_info(checkpoint);
  const Network network = network_of(info, config_of(info, path));
  const std::vector<FileOrder> given = orders_in(format_version(checkpoint), network);
  const FileOrders wanted = file_orders(network);
  ExportedWeights weights;
  weights.exception = wanted.exception;
  const std::string average = slot_group(kAverageSlot);
  weights.averaged = !last && checkpoint.has(average);
  describe(checkpoint, weights.content);
  const std::vector<Parameter>& parameters = network.parameters().parameters();
  for (const std::size_t i : by_name(parameters)) {
    const Parameter& p = parameters[i];
    std::vector<float>& numbers = weights.numbers.emplace_back(
        read_tensor(checkpoint, weights.averaged ? average : kModelGroup, p));
    if (const FileOrder& order = wanted.parameters[i]; given[i] != order) {
      const std::vector<float> read = numbers;
      reorder(p, read, given[i], order, std::as_writable_bytes(std::span(numbers)));
    }
    weights.content.tensors.push_back({.name = p.name,
                                       .dtype = "F32",
                                       .shape = p.file_shape(),
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
    if (const std::string hint = naming_hint(weights, table); !hint.empty())
      problems.push_back(hint);
    throw Error(ExitCode::bad_data, fmt::format("{} does not fit the network\n  {}", label,
                                                fmt::join(problems, "\n  ")));
  }
  const std::vector<FileOrder> orders = orders_in(version_of(weights, label), network);
  Buffer<Real> flat(table.size());
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const Parameter& p = table.parameters()[i];
    try {
      from_file_layout(p, weights.find(p.name)->floats(), flat.span(), orders[i]);
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("{}: {}", label, error.what()));
    }
  }
  return flat;
}

ImportedWeights import_weights(const Communicator& world, const ImportRequest& request,
                               const Safetensors& weights) {
  const Topology topology(world);
  const Setup setup = set_up(topology, request.config_file, request.overrides);
  ImportedWeights imported{.learned = setup.network->parameters().count(), .notes = {}};
  run_on_root(topology.ranks(), [&] {
    const Index batch = setup.config.data.batch;
    const Index microbatches =
        choose_microbatches(setup.config.parallel.microbatches, batch, world.size(),
                            most_microbatches(*setup.network, batch));
    const NamedWeights named =
        named_as(weights, setup.network->parameters(), request.strip_prefix, request.weights);
    if (!named.note.empty()) imported.notes.push_back(named.note);
    if (weights.metadata.contains("average")) {
      imported.notes.push_back(
          "these are the last weights; for their average, as predict uses it, import what trainer "
          "export writes");
    }
    const std::string exception = file_orders(*setup.network).exception;
    if (!exception.empty()) imported.notes.push_back(no_order_note(exception));
    const Checkpoint checkpoint = beginning_of(
        setup, microbatches, parameters_from(named.weights, *setup.network, request.weights));
    const CheckpointImage image = encode(checkpoint, *setup.network, state_slots(setup));
    write_atomically(request.out, {image.bytes, seal_of(image.bytes, 0)});
  });
  return imported;
}

}  // namespace lockstep
