#include "lockstep/io/hdf5.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "data/hdf5_sets.hpp"
#include "data/loaders.hpp"
#include "data/number_array.hpp"
#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

template <typename T>
NumberArray view_of(const std::vector<T>& values, std::vector<Index> dimensions, NumberType type,
                    const std::string& path) {
  return {path, std::move(dimensions), type, std::endian::native, std::as_bytes(std::span(values))};
}

/// The numbers as the files had them.
std::vector<double> with_offsets(std::span<const float> stored,
                                 const std::vector<double>& offsets) {
  std::vector<double> numbers(stored.begin(), stored.end());
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] += offsets[i % offsets.size()];
  return numbers;
}

}  // namespace

std::string hdf5_path(const std::string& group, const std::string& name) {
  std::string path = "/" + group + "/" + name;
  const auto both_slashes = [](char a, char b) { return a == '/' && b == '/'; };
  path.erase(std::unique(path.begin(), path.end(), both_slashes), path.end());
  return path;
}

std::vector<std::byte> to_hdf5(const Dataset& dataset, const std::string& inputs_name,
                               const std::string& targets_name, const std::string& weights_name) {
  const DatasetHeader& header = dataset.describe();
  if (header.is_text()) {
    throw Error(
        ExitCode::config,
        fmt::format("{}: a text is trained on as it is and needs no conversion", dataset.name()));
  }
  const Shape& s = header.shape;
  const std::vector<Index> shape = s.positions() == 1
                                       ? std::vector{header.size, s.channels}
                                       : std::vector{header.size, s.height, s.width, s.channels};
  Hdf5Writer file;
  const std::string inputs = hdf5_path("", inputs_name);
  const std::string targets = hdf5_path("", targets_name);
  if (header.input_type == InputType::bytes) {
    file.dataset(inputs, shape, dataset.byte_inputs());
  } else if (dataset.offsets().empty()) {
    file.dataset(inputs, shape, dataset.float_inputs());
  } else {
    file.dataset(inputs, shape, with_offsets(dataset.float_inputs(), dataset.offsets()));
  }
  if (header.target_kind == TargetKind::labels) {
    const std::vector<std::int64_t> labels(dataset.labels().begin(), dataset.labels().end());
    const std::vector<Index> one = {header.size}, several = {header.size, header.target_columns};
    file.dataset(targets, header.target_columns == 1 ? one : several, labels);
  } else if (dataset.target_offsets().empty()) {
    file.dataset(targets, {{header.size, header.target_columns}}, dataset.values());
  } else {
    file.dataset(targets, {{header.size, header.target_columns}},
                 with_offsets(dataset.values(), dataset.target_offsets()));
  }
  if (header.weighted) {
    file.dataset(hdf5_path("", weights_name), {{header.size}}, dataset.weights());
  }
  if (!dataset.class_names().empty()) {
    file.text(hdf5_names_path(targets), fmt::format("{}", fmt::join(dataset.class_names(), "\n")));
  }
  const std::span<const std::byte> bytes = file.finish();
  return {bytes.begin(), bytes.end()};
}

std::string hdf5_weights_path(const Source& source, const std::string& group) {
  const auto* const name = std::get_if<std::string>(&source.weights);
  if (name == nullptr) {
    throw Error(
        ExitCode::config,
        fmt::format("{}: data.weights: expected the name of a data set, found the number {}",
                    source.path, std::get<Index>(source.weights)));
  }
  return name->empty() ? "" : hdf5_path(group, *name);
}

Dataset load_hdf5(const Source& source, const DataFile& file) {
  const Hdf5Reader reader(file.bytes, file.path);
  check_hdf5_names(reader, source, file.path, file.group);
  const std::string inputs_path = hdf5_path(file.group, source.inputs_name);
  std::vector<std::string> class_names;
  const auto doubles_of = [&](const std::vector<double>& values, const std::string& path) {
    return view_of(values, reader.shape_of(path), NumberType::f64,
                   fmt::format("{}: {}", file.path, path));
  };
  const auto load_numbers = [&](const auto& values, NumberType type) {
    NumberArray inputs = view_of(values, reader.shape_of(inputs_path), type,
                                 fmt::format("{}: {}", file.path, inputs_path));
    inputs.channels_first = source.channels_first;
    inputs.offsets = source.input_offsets;
    inputs.integers = reader.type_of(inputs_path) == Hdf5Type::integer;
    if (source.inputs_only) return make_dataset(inputs, source.classification);
    const std::string targets_path = hdf5_path(file.group, source.targets_name);
    const std::string weights_path = hdf5_weights_path(source, file.group);
    const std::vector<double> targets =
        hdf5_targets(reader, source, file.path, targets_path, class_names);
    std::vector<double> weights;
    std::optional<NumberArray> weights_view;
    if (!weights_path.empty()) {
      weights = reader.doubles(weights_path);
      weights_view = doubles_of(weights, weights_path);
    }
    NumberArray answers = doubles_of(targets, targets_path);
    if (class_names.empty()) answers.ignored = source.ignore_label;  // a number, no word
    answers.offsets = source.target_offsets;
    return make_dataset(inputs, answers, weights_view, source.classification);
  };
  const auto load_any = [&] {
    if (reader.type_of(inputs_path) == Hdf5Type::u8) {
      return load_numbers(reader.bytes(inputs_path), NumberType::u8);
    }
    return reader.fits_float(inputs_path)
               ? load_numbers(reader.floats(inputs_path), NumberType::f32)
               : load_numbers(reader.doubles(inputs_path), NumberType::f64);
  };
  Dataset data = load_any();
  const std::string targets_path = hdf5_path(file.group, source.targets_name);
  if (source.classification && !source.inputs_only && class_names.empty()) {
    class_names = hdf5_class_names(reader, file.path, targets_path, data.classes());
  }
  data.set_class_names(class_names);
  note_unwritten(reader, file.path, {inputs_path, targets_path}, data);
  return data;
}

}  // namespace lockstep
