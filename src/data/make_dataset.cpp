// Arrays of numbers as a dataset.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <functional>
#include <numeric>

#include "data/channels_last.hpp"
#include "data/digits.hpp"
#include "data/each_number.hpp"
#include "data/number_array.hpp"
#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

[[noreturn]] void reject(const NumberArray& array, const std::string& reason) {
  throw Error(ExitCode::bad_data, fmt::format("{}: {}", array.path, reason));
}

/// "sample 3, column 5" of the i-th number of rows of `length`.
std::string place(std::size_t i, Index length) {
  const auto width = static_cast<std::size_t>(length);
  return fmt::format("sample {}, column {}", i / width, i % width);
}

bool fits_float(NumberType type) { return type == NumberType::f32 || bytes_of(type) <= 2; }

/// What is taken off the numbers, which repeat so many channels. What they lose is added to
/// `notes`.
std::vector<double> offsets_of(const NumberArray& array, Index channels, Index run,
                               const std::string& key, std::vector<std::string>& notes) {
  if (fits_float(array.type)) return array.offsets.values;
  DigitWatch watch(channels, run);
  for_each_number(array, [&](std::size_t, double number) { watch.add(number); });
  std::vector<double> offsets = array.offsets.values;
  if (array.offsets.find) offsets = watch.offsets();
  const bool integers = array.integers || array.type == NumberType::i64;
  const std::vector<std::string> found =
      digit_notes(watch, offsets, {array.path, array.names, key, integers});
  notes.insert(notes.end(), found.begin(), found.end());
  return offsets;
}

/// A channel has `run` numbers in a row before the next one.
void store_floats(const NumberArray& array, const std::vector<double>& offsets, Index run,
                  Index length, std::span<float> out) {
  const auto in_row = static_cast<std::size_t>(run);
  for_each_number(array, [&](std::size_t i, double number) {
    out[i] = to_float(offsets.empty() ? number : number - offsets[i / in_row % offsets.size()]);
    if (!std::isfinite(out[i])) {
      reject(array, fmt::format("{}: expected a finite number of at most 3.4e38, found {}",
                                place(i, length), number));
    }
  });
}

void store_labels(const NumberArray& array, Index length, std::span<std::int32_t> out) {
  for_each_number(array, [&](std::size_t i, double number) {
    if (array.ignored && number == static_cast<double>(*array.ignored)) {
      out[i] = kIgnoredLabel;
      return;
    }
    if (!is_label(number)) {
      reject(array, fmt::format("{}: expected a class label, an integer from 0 to 2147483647; "
                                "found {}{}",
                                length == 1 ? fmt::format("sample {}", i) : place(i, length),
                                number, label_hint(number)));
    }
    out[i] = static_cast<std::int32_t>(number);
  });
}

void store_weights(const NumberArray& array, std::span<float> out) {
  for_each_number(array, [&](std::size_t i, double number) {
    out[i] = to_float(number);
    if (!std::isfinite(out[i]) || out[i] < 0) {
      reject(array, fmt::format("weight of sample {}: expected a number from 0 to 3.4e38, found {}",
                                i, number));
    }
  });
}

Shape sample_shape(const NumberArray& inputs) {
  const auto& d = inputs.dimensions;
  if (d.empty() || d.size() > 4) {
    reject(inputs, fmt::format("inputs: expected 1 to 4 dimensions, (samples), (samples, columns), "
                               "(samples, height, width) or (samples, height, width, channels); "
                               "found {}",
                               d.size()));
  }
  if (std::ranges::find(d, Index{0}) != d.end()) {
    reject(inputs, fmt::format("inputs: expected at least one sample and one number in each, found "
                               "shape ({})",
                               fmt::join(d, ", ")));
  }
  if (inputs.channels_first && d.size() < 4) {
    reject(inputs, fmt::format("inputs: data.layout = \"nchw\" is for 4 dimensions, (samples, "
                               "channels, height, width), found shape ({}); sequences of "
                               "(samples, channels, length) need a last dimension of 1",
                               fmt::join(d, ", ")));
  }
  if (inputs.channels_first) return {d[2], d[3], d[1]};
  switch (d.size()) {
    case 1:
      return {1, 1, 1};
    case 2:
      return {1, 1, d[1]};
    case 3:
      return {d[1], d[2], 1};
    default:
      return {d[1], d[2], d[3]};
  }
}

// Images where labels were expected, and the other way round.
std::string targets_hint(const NumberArray& inputs, const NumberArray& targets,
                         bool classification) {
  if (targets.dimensions.size() < 3) return {};
  if (inputs.dimensions.size() == 1) return "; were the files of inputs and targets exchanged?";
  const std::string images = "; these look like images: give the file that holds the answers";
  if (!classification || targets.dimensions.size() != 4) return images;
  return images +
         "; if these are masks, they must be (samples, height, width): squeeze a last dimension "
         "of 1 away, and take the argmax of one-hot classes";
}

Index target_columns(const NumberArray& inputs, const NumberArray& targets, bool classification) {
  const Index samples = inputs.dimensions[0];
  const auto& d = targets.dimensions;
  if (d.empty() || d.size() > (classification ? 3 : 2) ||
      std::ranges::find(d.begin() + 1, d.end(), Index{0}) != d.end()) {
    reject(targets, fmt::format("targets: expected shape {}, found ({}){}",
                                classification
                                    ? "(samples), or one label per position, (samples, positions) "
                                      "or (samples, height, width)"
                                    : "(samples) or (samples, columns)",
                                fmt::join(d, ", "), targets_hint(inputs, targets, classification)));
  }
  if (d[0] != samples) {
    reject(targets, fmt::format("expected targets for {} samples, as many as there are inputs; "
                                "found {}",
                                samples, d[0]));
  }
  return std::accumulate(d.begin() + 1, d.end(), Index{1}, std::multiplies<>());
}

void check_weights(const NumberArray& weights, Index samples) {
  const auto& d = weights.dimensions;
  if (d.size() == 1 && d[0] == samples) return;
  reject(weights, fmt::format("expected one weight for each of the {} samples, found shape ({})",
                              samples, fmt::join(d, ", ")));
}

/// The labels of rows with a single 1 among zeros, at the place of the class; nothing for any other
/// targets, such as a label for each of so many positions.
std::optional<std::vector<double>> one_hot_labels(const NumberArray& targets, Index positions) {
  const auto& d = targets.dimensions;
  if (d.size() != 2 || d[0] == 0 || d[1] < 2 || d[1] == positions) return {};
  const auto classes = static_cast<std::size_t>(d[1]);
  std::vector<double> labels(static_cast<std::size_t>(d[0]));
  std::vector<int> ones(labels.size());
  bool others = false;
  for_each_number(targets, [&](std::size_t i, double number) {
    others |= number != 0 && number != 1;
    if (number != 1) return;
    ++ones[i / classes];
    labels[i / classes] = static_cast<double>(i % classes);
  });
  if (others || !std::ranges::all_of(ones, [](int n) { return n == 1; })) return {};
  return labels;
}

DatasetHeader header_of(const NumberArray& inputs, bool classification) {
  DatasetHeader header;
  header.shape = sample_shape(inputs);
  header.size = inputs.dimensions[0];
  // What is left once something is taken off bytes is no byte.
  const bool bytes = inputs.type == NumberType::u8 && inputs.offsets.values.empty();
  header.input_type = bytes ? InputType::bytes : InputType::floats;
  header.target_kind = classification ? TargetKind::labels : TargetKind::values;
  return header;
}

Dataset store_inputs(const NumberArray& inputs, DatasetHeader header, Index target_columns) {
  header.target_columns = target_columns;
  Dataset dataset(inputs.path, header);
  if (header.streamed()) {
    dataset.set_offsets(inputs.offsets.values, {});
    return dataset;
  }
  assert(static_cast<Index>(inputs.data.size()) == array_bytes(inputs.dimensions, inputs.type));
  if (header.input_type == InputType::bytes) {
    std::ranges::copy(inputs.data, dataset.input_bytes().begin());
  } else {
    std::vector<std::string> notes;
    const Index run = inputs.channels_first ? header.shape.positions() : 1;
    const std::vector<double> offsets =
        offsets_of(inputs, header.shape.channels, run, "data.normalize", notes);
    store_floats(inputs, offsets, run, header.shape.size(), dataset.float_inputs());
    dataset.set_offsets(offsets, {});
    dataset.add_notes(notes);
  }
  if (inputs.channels_first) ChannelsLast(header.shape, header.row_bytes())(dataset.input_bytes());
  return dataset;
}

}  // namespace

Dataset make_dataset(const NumberArray& inputs, const NumberArray& targets,
                     const std::optional<NumberArray>& weights, bool classification,
                     const Blocks& blocks) {
  DatasetHeader header = header_of(inputs, classification);
  const auto of_rows = classification ? one_hot_labels(targets, header.shape.positions())
                                      : std::optional<std::vector<double>>();
  if (of_rows) {
    NumberArray labels{targets.path,
                       {targets.dimensions[0]},
                       NumberType::f64,
                       std::endian::native,
                       std::as_bytes(std::span(*of_rows))};
    Dataset dataset = make_dataset(inputs, labels, weights, classification, blocks);
    dataset.add_notes({fmt::format(
        "{}: targets of shape ({}) are one-hot, each row a single 1: "
        "taken as labels from 0 to {}",
        targets.path, fmt::join(targets.dimensions, ", "), targets.dimensions[1] - 1)});
    return dataset;
  }
  header.blocks = blocks;
  header.weighted = weights.has_value();
  header.ignores = targets.ignored.has_value();
  if (weights) check_weights(*weights, header.size);
  Dataset dataset = store_inputs(inputs, header, target_columns(inputs, targets, classification));
  dataset.set_targets_name(targets.path);
  if (classification) {
    store_labels(targets, dataset.describe().target_columns, dataset.labels());
  } else {
    const Index columns = dataset.describe().target_columns;
    std::vector<std::string> notes;
    const std::vector<double> offsets =
        offsets_of(targets, columns, 1, "data.normalize_targets", notes);
    store_floats(targets, offsets, 1, columns, dataset.values());
    dataset.set_offsets(dataset.offsets(), offsets);
    dataset.add_notes(notes);
  }
  if (weights) store_weights(*weights, dataset.weights());
  return dataset;
}

Dataset make_dataset(const NumberArray& inputs, bool classification, const Blocks& blocks) {
  DatasetHeader header = header_of(inputs, classification);
  header.blocks = blocks;
  return store_inputs(inputs, header, 1);
}

}  // namespace lockstep
