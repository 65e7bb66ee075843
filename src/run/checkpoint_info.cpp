#include "run/checkpoint_info.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "lockstep/base/error.hpp"
#include "lockstep/run/checkpoint_paths.hpp"
#include "lockstep/run/version.hpp"
#include "run/checkpoint_progress.hpp"
#include "run/graph_json.hpp"

namespace lockstep {
namespace {

constexpr std::string_view kCheckpointFormat = "lockstep-checkpoint";

template <typename T>
void write_vector(Hdf5Writer& file, const std::string& path, const std::vector<T>& values) {
  if (values.empty()) return;
  const Index size = static_cast<Index>(values.size());
  file.dataset(path, {{size}}, std::span<const T>(values));
}

void write_normalization(Hdf5Writer& file, const std::string& prefix, const Normalization& by) {
  write_vector(file, prefix + "mean", by.mean);
  write_vector(file, prefix + "inverse_std", by.inverse_std);
  write_vector(file, prefix + "offset", by.offset);
}

// One a line, so that there is a text even of one empty name.
void write_lines(Hdf5Writer& file, const std::string& path, const std::vector<std::string>& names) {
  if (!names.empty()) file.text(path, fmt::format("{}\n", fmt::join(names, "\n")));
}

std::vector<std::string> read_lines(const Hdf5Reader& file, const std::string& path) {
  std::vector<std::string> names;
  if (!file.has(path)) return names;
  std::istringstream lines(file.text(path));
  for (std::string name; std::getline(lines, name);) names.push_back(name);
  return names;
}

// Target, then weights if there are any.
void write_columns(Hdf5Writer& file, const ColumnNames& columns) {
  if (!columns.known()) return;
  write_lines(file, kInputNamesPath, columns.inputs);
  write_lines(file, kTargetNamesPath, {columns.target, columns.weights});
}

ColumnNames read_columns(const Hdf5Reader& file) {
  ColumnNames columns{read_lines(file, kInputNamesPath), "", ""};
  const std::vector<std::string> others = read_lines(file, kTargetNamesPath);
  if (!others.empty()) columns.target = others[0];
  if (others.size() > 1) columns.weights = others[1];
  return columns;
}

// What the labels stand for.
void write_names(Hdf5Writer& file, const CheckpointInfo& info) {
  if (!info.class_names.empty()) {
    file.text(kClassNamesPath, fmt::format("{}", fmt::join(info.class_names, "\n")));
  }
  if (info.vocabulary.empty()) return;
  const auto& points = info.vocabulary.code_points();
  const std::vector<std::int64_t> symbols(points.begin(), points.end());
  file.dataset(kVocabularyPath, {{static_cast<Index>(symbols.size())}}, symbols);
  file.attribute(kDataGroup, "symbols", std::string(info.vocabulary.bytewise() ? "byte" : "char"));
}

void read_names(const Hdf5Reader& file, CheckpointInfo& info) {
  info.class_names = read_lines(file, kClassNamesPath);
  info.columns = read_columns(file);
  if (!file.has(kVocabularyPath)) return;
  std::vector<std::uint32_t> points;
  for (const double symbol : file.doubles(kVocabularyPath)) {
    const bool fits = symbol >= 0 && symbol <= 0x10FFFF;
    points.push_back(fits ? static_cast<std::uint32_t>(symbol) : 0);
  }
  info.vocabulary =
      Vocabulary::stored(file.text_attribute(kDataGroup, "symbols") == "byte", points);
}

// The layers of a graph, each as words for a message.
std::vector<std::string> layers_of(const std::string& graph) {
  using Json = nlohmann::ordered_json;
  try {
    const Json parsed = parse_graph(graph);
    std::vector<std::string> layers{"input " + parsed.value("input", Json()).dump()};
    for (const Json& layer : parsed.value("layers", Json::array())) {
      layers.push_back(fmt::format("layer '{}' of type {} with output {} and parameters {}",
                                   layer.value("name", ""), layer.value("type", ""),
                                   layer.value("output", Json()).dump(),
                                   layer.value("parameters", Json()).dump()));
    }
    return layers;
  } catch (const Json::exception&) {
    return {"an unreadable description"};
  }
}

// Where two graphs part: the first layer that is not the same in both.
std::string first_difference(const std::string& checkpoint, const std::string& run) {
  const std::vector<std::string> theirs = layers_of(checkpoint);
  const std::vector<std::string> ours = layers_of(run);
  const auto at =
      static_cast<std::size_t>(std::ranges::mismatch(theirs, ours).in1 - theirs.begin());
  const std::string nothing = "no further layer";
  return fmt::format("the checkpoint has {}, this run has {}",
                     at < theirs.size() ? theirs[at] : nothing,
                     at < ours.size() ? ours[at] : nothing);
}

template <typename T>
const T& shown(const T& value) {
  return value;
}

std::string shown(const std::string& text) { return text.empty() ? "none" : text; }

template <typename T>
std::string unequal(std::string_view field, const T& checkpoint, const T& run) {
  return fmt::format("{}: the checkpoint has {}, this run has {}", field, shown(checkpoint),
                     shown(run));
}

}  // namespace

void write_info(Hdf5Writer& file, const Checkpoint& checkpoint) {
  const CheckpointInfo& info = checkpoint.info;
  const auto per_epoch = static_cast<std::uint64_t>(info.steps_per_epoch);
  const std::uint64_t epoch = info.step / per_epoch;
  const std::uint64_t position = info.step % per_epoch * static_cast<std::uint64_t>(info.batch);
  file.attribute(kRootGroup, "format", std::string(kCheckpointFormat));
  file.attribute(kRootGroup, "format_version", kCheckpointVersion);
  file.attribute(kRootGroup, "lockstep_version", build_info().version);
  file.attribute(kRootGroup, "step", info.step);
  file.attribute(kRootGroup, "epoch", epoch);
  file.attribute(kRootGroup, "samples_seen",
                 epoch * static_cast<std::uint64_t>(info.train_samples) + position);
  file.group(kConfigGroup);
  file.attribute(kConfigGroup, "loss", info.loss);
  file.text(kResolvedPath, info.config);
  file.text(kGraphPath, info.graph);
  file.group(kScheduleGroup);
  file.attribute(kScheduleGroup, "position", info.step);
  file.group(kRngGroup);
  file.attribute(kRngGroup, "algorithm", std::string("philox4x32-10"));
  file.attribute(kRngGroup, "seed", info.seed);
  file.group(kSamplerGroup);
  file.attribute(kSamplerGroup, "epoch", epoch);
  file.attribute(kSamplerGroup, "position", position);
  file.attribute(kSamplerGroup, "steps_per_epoch", per_epoch);
  file.attribute(kSamplerGroup, "permutation", std::string(info.shuffle ? "feistel" : "none"));
  file.attribute(kSamplerGroup, "samples", integer(info.train_samples));
  file.attribute(kSamplerGroup, "batch", integer(info.batch));
  file.attribute(kSamplerGroup, "microbatches", integer(info.microbatches));
  file.attribute(kSamplerGroup, "dataset_digest", info.data_digest);
  file.attribute(kSamplerGroup, "split", info.split);
  file.group(kDataGroup);
  file.attribute(kDataGroup, "height", integer(info.input.height));
  file.attribute(kDataGroup, "width", integer(info.input.width));
  file.attribute(kDataGroup, "channels", integer(info.input.channels));
  if (info.rate > 0) file.attribute(kDataGroup, "rate", integer(info.rate));
  write_names(file, info);
  write_columns(file, info.columns);
  write_normalization(file, kInputPrefix, checkpoint.inputs);
  write_normalization(file, kTargetPrefix, checkpoint.targets);
}

Normalization read_normalization(const Hdf5Reader& file, const std::string& prefix,
                                 Index channels) {
  Normalization by;
  if (file.has(prefix + "mean")) by.mean = file.floats(prefix + "mean");
  if (file.has(prefix + "inverse_std")) by.inverse_std = file.floats(prefix + "inverse_std");
  if (file.has(prefix + "offset")) by.offset = file.doubles(prefix + "offset");
  const auto fits = [&](const auto& numbers) {
    return numbers.empty() || std::ssize(numbers) == channels;
  };
  if (by.inverse_std.size() != by.mean.size() || !fits(by.mean) || !fits(by.offset)) {
    throw Error(
        ExitCode::bad_data,
        fmt::format("{0}mean, {0}inverse_std and {0}offset: expected {1} numbers each, "
                    "found {2}, {3} and {4}",
                    prefix, channels, by.mean.size(), by.inverse_std.size(), by.offset.size()));
  }
  return by;
}

std::string CheckpointInfo::difference(const CheckpointInfo& run) const {
  if (graph != run.graph) return "model: " + first_difference(graph, run.graph);
  if (data_digest != run.data_digest) {
    return unequal("data set (digest of data.train)", data_digest, run.data_digest);
  }
  if (vocabulary != run.vocabulary) {
    return unequal("symbols of the text", vocabulary.size(), run.vocabulary.size()) +
           (vocabulary.size() == run.vocabulary.size() ? " others" : "");
  }
  if (class_names != run.class_names) {
    return unequal("names of the classes", fmt::format("{}", fmt::join(class_names, ", ")),
                   fmt::format("{}", fmt::join(run.class_names, ", ")));
  }
  if (split != run.split) return unequal("split of the data (data.holdout)", split, run.split);
  if (microbatches != run.microbatches) {
    return unequal("parallel.microbatches", microbatches, run.microbatches);
  }
  if (batch != run.batch) return unequal("data.batch", batch, run.batch);
  if (seed != run.seed) return unequal("run.seed", seed, run.seed);
  if (shuffle != run.shuffle) return unequal("data.shuffle", shuffle, run.shuffle);
  if (loss != run.loss) return unequal("loss", loss, run.loss);
  if (optimizer != run.optimizer) return unequal("optimizer", optimizer, run.optimizer);
  if (slots != run.slots) return unequal("state of the optimizer", slots, run.slots);
  return {};
}

std::uint64_t format_version(const Hdf5Reader& file) {
  const std::string format = file.text_attribute(kRootGroup, "format");
  if (format != kCheckpointFormat) {
    throw Error(ExitCode::bad_data,
                fmt::format("format: expected '{}', found '{}'", kCheckpointFormat, format));
  }
  const std::uint64_t version = file.count_attribute(kRootGroup, "format_version");
  if (version < 1 || version > kCheckpointVersion) {
    throw Error(
        ExitCode::bad_data,
        fmt::format("format_version: this trainer reads 1 to {}, found {}{}", kCheckpointVersion,
                    version, version > kCheckpointVersion ? "; use a newer program" : ""));
  }
  return version;
}

CheckpointInfo read_info(const Hdf5Reader& file) {
  static_cast<void>(format_version(file));
  CheckpointInfo info;
  info.step = file.count_attribute(kRootGroup, "step");
  info.config = file.text(kResolvedPath);
  info.graph = file.text(kGraphPath);
  info.seed = file.count_attribute(kRngGroup, "seed");
  info.steps_per_epoch =
      std::max<Index>(1, index_attribute(file, kSamplerGroup, "steps_per_epoch"));
  info.shuffle = file.text_attribute(kSamplerGroup, "permutation") == "feistel";
  info.batch = index_attribute(file, kSamplerGroup, "batch");
  info.train_samples = index_attribute(file, kSamplerGroup, "samples");
  info.microbatches = index_attribute(file, kSamplerGroup, "microbatches");
  info.data_digest = file.text_attribute(kSamplerGroup, "dataset_digest");
  info.split = file.text_attribute(kSamplerGroup, "split");
  info.loss = file.text_attribute(kConfigGroup, "loss");
  info.optimizer = file.text_attribute(kOptimizerGroup, "type");
  info.slots = file.text_attribute(kOptimizerGroup, "slots");
  info.input = {index_attribute(file, kDataGroup, "height"),
                index_attribute(file, kDataGroup, "width"),
                index_attribute(file, kDataGroup, "channels")};
  if (file.has_attribute(kDataGroup, "rate")) info.rate = index_attribute(file, kDataGroup, "rate");
  read_names(file, info);
  if (info.microbatches < 1 || info.batch < info.microbatches) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: expected microbatches from 1 to batch, found {} and {}",
                            kSamplerGroup, info.microbatches, info.batch));
  }
  return info;
}

}  // namespace lockstep
