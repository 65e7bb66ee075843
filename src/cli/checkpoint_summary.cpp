#include "cli/checkpoint_summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "lockstep/io/digest.hpp"
#include "lockstep/run/checkpoint_paths.hpp"
#include "lockstep/run/checkpoint_store.hpp"

namespace lockstep::cli {
namespace {

void measure(std::span<const float> values, TensorSummary& tensor) {
  double squares = 0;
  tensor.minimum = std::numeric_limits<double>::infinity();
  tensor.maximum = -std::numeric_limits<double>::infinity();
  for (const float value : values) {
    if (!std::isfinite(value)) {
      ++tensor.nonfinite;
      continue;
    }
    const double x = value;
    squares += x * x;
    tensor.minimum = std::min(tensor.minimum, x);
    tensor.maximum = std::max(tensor.maximum, x);
  }
  if (tensor.nonfinite == values.size()) tensor.minimum = tensor.maximum = 0;
  tensor.norm = std::sqrt(squares);
}

TensorSummary summarize_tensor(const Hdf5Reader& file, const std::string& path) {
  const std::string name = path.substr(1);
  TensorSummary tensor{.name = name, .shape = file.shape_of(path)};
  const std::vector<float> values = file.floats(path);
  tensor.count = values.size();
  measure(values, tensor);
  tensor.found_digest = digest_of(std::as_bytes(std::span(values))).hex();
  if (file.has_attribute(kDigestGroup, name))
    tensor.digest = file.text_attribute(kDigestGroup, name);
  return tensor;
}

std::vector<TensorSummary> summarize_group(const Hdf5Reader& file, const std::string& group) {
  std::vector<TensorSummary> tensors;
  for (const std::string& name : file.list(group)) {
    tensors.push_back(summarize_tensor(file, group + "/" + name));
  }
  return tensors;
}

std::vector<HistoryColumn> last_row(const Hdf5Reader& file) {
  std::vector<HistoryColumn> row;
  for (const std::string& name : file.list(kHistoryGroup)) {
    const std::vector<double> values = file.doubles(kHistoryGroup + "/" + name);
    if (!values.empty()) row.push_back({name, {values.back()}});
  }
  std::ranges::stable_sort(row, {}, [](const HistoryColumn& c) { return c.name != "step"; });
  return row;
}

CheckpointSummary summarize(const Hdf5Reader& file) {
  CheckpointSummary summary;
  summary.info = read_info(file);
  summary.version = format_version(file);
  summary.writer = file.text_attribute(kRootGroup, "lockstep_version");
  summary.epoch = file.count_attribute(kRootGroup, "epoch");
  summary.state_digest = file.text_attribute(kDigestGroup, "state");
  summary.model = summarize_group(file, kModelGroup);
  for (const std::string& slot : file.list(kOptimizerGroup)) {
    std::vector<TensorSummary> tensors = summarize_group(file, slot_group(slot));
    std::ranges::move(tensors, std::back_inserter(summary.optimizer));
  }
  summary.last_row = last_row(file);
  return summary;
}

}  // namespace

CheckpointSummary summarize_checkpoint(const std::string& path) {
  const StoredCheckpoint stored = find_checkpoint(path);
  const std::string file = stored.path.string();
  const Hdf5Reader reader(stored.sealed.image, file);
  try {
    CheckpointSummary summary = summarize(reader);
    summary.file = file;
    summary.notes = stored.notes;
    summary.bytes = stored.bytes.size();
    return summary;
  } catch (const Error& error) {
    const std::string message = error.what();
    throw Error(error.code(), message.starts_with(file) ? message : file + ": " + message);
  }
}

void verify_digests(const CheckpointSummary& summary) {
  for (const auto* group : {&summary.model, &summary.optimizer}) {
    for (const TensorSummary& tensor : *group) {
      if (tensor.digest == tensor.found_digest) continue;
      throw Error(
          ExitCode::bad_data,
          fmt::format("{}: digest of tensor {}: the file says {}, its values have {}", summary.file,
                      tensor.name, tensor.digest.empty() ? "nothing" : tensor.digest,
                      tensor.found_digest));
    }
  }
}

}  // namespace lockstep::cli
