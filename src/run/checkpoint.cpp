#include "lockstep/run/checkpoint.hpp"

#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "lockstep/io/digest.hpp"
#include "lockstep/nn/file_layout.hpp"
#include "lockstep/run/checkpoint_paths.hpp"
#include "run/checkpoint_info.hpp"
#include "run/checkpoint_progress.hpp"
#include "run/checkpoint_tensors.hpp"

namespace lockstep {

std::string graph_of(const Network& network) {
  const auto shape_of = [](Shape s) { return nlohmann::json{s.height, s.width, s.channels}; };
  nlohmann::ordered_json graph;
  graph["input"] = shape_of(network.input_shape());
  graph["layers"] = nlohmann::json::array();
  for (const Network::Node& node : network.nodes()) {
    nlohmann::ordered_json layer{{"name", node.name}, {"type", node.layer->type()}};
    for (const Value v : node.inputs) layer["from"].push_back(v.id);
    layer["parameters"] = nlohmann::ordered_json::object();
    for (const Parameter& p : network.parameters().parameters()) {
      if (p.name.starts_with(node.name + ".")) {
        layer["parameters"][p.name.substr(node.name.size() + 1)] = p.file_shape();
      }
    }
    layer["output"] = shape_of(node.output);
    graph["layers"].push_back(layer);
  }
  return graph.dump();
}

Index CheckpointDraft::Tensor::bytes() const {
  return parameter->spec.size() * static_cast<Index>(sizeof(Real));
}

CheckpointDraft::CheckpointDraft(const Checkpoint& facts, const Network& network,
                                 std::span<const std::string_view> slots) {
  write_info(file_, facts);
  write_progress(file_, facts.progress);
  const std::vector<FileOrder> orders = orders_in(kCheckpointVersion, network);
  const std::vector<Parameter>& parameters = network.parameters().parameters();
  file_.group(kModelGroup);
  for (const Network::Node& node : network.nodes()) {
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const Parameter& p = parameters[i];
      if (!p.name.starts_with(node.name + ".")) continue;
      add(kParameters, kModelGroup, p, orders[i]);
      file_.attribute(kModelGroup + "/" + p.name, "layer", std::string(node.layer->type()));
      file_.attribute(kModelGroup + "/" + p.name, "role", p.name.substr(node.name.size() + 1));
    }
  }
  file_.group(kOptimizerGroup);
  file_.attribute(kOptimizerGroup, "type", facts.info.optimizer);
  file_.attribute(kOptimizerGroup, "slots", facts.info.slots);
  file_.attribute(kOptimizerGroup, "step", facts.info.step);
  for (std::size_t slot = 0; slot < slots.size(); ++slot) {
    const std::string group = slot_group(slots[slot]);
    file_.group(group);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      add(1 + slot, group, parameters[i], orders[i]);
    }
  }
}

void CheckpointDraft::add(std::size_t group, const std::string& group_path,
                          const Parameter& parameter, const FileOrder& order) {
  const std::string path = group_path + "/" + parameter.name;
  const Index offset = file_.make_dataset(path, parameter.file_shape());
  tensors_.push_back({path.substr(1), group, &parameter, order, offset});
}

void CheckpointDraft::set(std::size_t group, Range range, std::span<const Real> values) {
  for (const Tensor& tensor : tensors_) {
    const Parameter& p = *tensor.parameter;
    const bool inside = p.offset < range.end && range.begin < p.offset + p.spec.stored_size();
    if (tensor.group != group || !inside) continue;
    to_file_layout(p, range, values, file_.bytes(tensor.offset, tensor.bytes()));
  }
}

// A digest for each tensor as it is in the file, and one over all names and values in order, whose
// channels are in our own order: what a run computes has the digest that it had when files were of
// version 1.
CheckpointImage CheckpointDraft::finish() && {
  std::vector<std::string> digests;
  Digester state;
  for (const Tensor& tensor : tensors_) {
    const std::span<std::byte> values = file_.bytes(tensor.offset, tensor.bytes());
    state.update(std::as_bytes(std::span(tensor.name)));
    state.update(values);
    if (!tensor.order.empty()) {
      std::vector<Real> own(values.size() / sizeof(Real));
      std::memcpy(own.data(), values.data(), values.size());
      reorder(*tensor.parameter, own, {}, tensor.order, values);
    }
    digests.push_back(digest_of(values).hex());
  }
  std::string digest = state.finish().hex();
  file_.group(kDigestGroup);
  file_.attribute(kDigestGroup, "algorithm", std::string("XXH3-128"));
  file_.attribute(kDigestGroup, "state", digest);
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    file_.attribute(kDigestGroup, tensors_[i].name, digests[i]);
  }
  const std::span<const std::byte> bytes = file_.finish();
  return {std::move(file_), bytes, std::move(digest)};
}

CheckpointImage encode(const Checkpoint& checkpoint, const Network& network,
                       std::span<const std::string_view> slots) {
  CheckpointDraft draft(checkpoint, network, slots);
  const Range whole{0, network.parameters().size()};
  draft.set(CheckpointDraft::kParameters, whole, checkpoint.parameters.span());
  for (std::size_t slot = 0; slot < slots.size(); ++slot) {
    draft.set(1 + slot, whole, checkpoint.optimizer[slot].span());
  }
  return std::move(draft).finish();
}

Checkpoint decode(const Hdf5Reader& file, const Network& network,
                  std::span<const std::string_view> slots) {
  Checkpoint checkpoint;
  checkpoint.info = read_info(file);
  checkpoint.progress = read_progress(file);
  checkpoint.inputs = read_normalization(file, kInputPrefix, network.input_shape().channels);
  checkpoint.targets = read_normalization(file, kTargetPrefix, network.output_shape().size());
  const Index size = network.parameters().size();
  const std::vector<FileOrder> orders = orders_in(format_version(file), network);
  checkpoint.parameters = Buffer<Real>(size);
  read_tensors(file, kModelGroup, network, orders, checkpoint.parameters.span());
  for (const std::string_view slot : slots) {
    checkpoint.optimizer.emplace_back(size);
    read_tensors(file, slot_group(slot), network, orders, checkpoint.optimizer.back().span());
  }
  return checkpoint;
}

}  // namespace lockstep
