#include "lockstep/io/hdf5.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

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

/// What the columns were called, one name in each line, as hdf5_columns reads them.
void write_columns(const Dataset& dataset, const std::string& inputs, const std::string& targets,
                   const std::string& weights, Hdf5Writer& file) {
  const ColumnNames& columns = dataset.columns();
  if (!columns.known() || columns.target.empty()) return;
  file.text(hdf5_names_path(inputs), fmt::format("{}\n", fmt::join(columns.inputs, "\n")));
  file.attribute(targets, kHdf5Column, columns.target);
  if (!weights.empty()) file.attribute(weights, kHdf5Column, columns.weights);
}

/// The columns of rows of `width` numbers, in this order.
template <typename T>
std::vector<T> columns_of(const std::vector<T>& rows, std::size_t width,
                          const std::vector<std::size_t>& order) {
  std::vector<T> out;
  out.reserve(rows.size() / width * order.size());
  for (std::size_t row = 0; row < rows.size(); row += width) {
    for (const std::size_t column : order) out.push_back(rows[row + column]);
  }
  return out;
}

/// Loads the numbers of one file.
class Hdf5Loader {
 public:
  Hdf5Loader(const Source& source, const DataFile& file)
      : source_(source),
        label_(file.path),
        reader_(file.bytes, file.path),
        inputs_(hdf5_path(file.group, source.inputs_name)),
        targets_(hdf5_path(file.group, source.targets_name)) {
    check_hdf5_names(reader_, source, label_, file.group);
    if (!source.inputs_only) weights_ = hdf5_weights_path(source, file.group);
    columns_ = hdf5_column_order(reader_, source, label_, file.group, notes_);
  }

  Dataset load() {
    Dataset data = load_numbers();
    if (source_.classification && !source_.inputs_only && class_names_.empty()) {
      class_names_ = hdf5_class_names(reader_, source_, label_, targets_, data.classes());
    }
    data.set_class_names(class_names_);
    data.set_columns(columns_.names);
    for (const std::string& sentence : unwritten_chunks(reader_, {inputs_, targets_})) {
      notes_.add(label_, sentence);
    }
    data.add_notes(notes_.texts());
    return data;
  }

 private:
  Dataset load_numbers() {
    if (reader_.type_of(inputs_) == Hdf5Type::u8) {
      return load_as(reader_.bytes(inputs_), NumberType::u8);
    }
    return reader_.fits_float(inputs_) ? load_as(reader_.floats(inputs_), NumberType::f32)
                                       : load_as(reader_.doubles(inputs_), NumberType::f64);
  }

  template <typename T>
  Dataset load_as(std::vector<T> numbers, NumberType type) {
    std::vector<Index> shape = reader_.shape_of(inputs_);
    if (!columns_.inputs.empty()) {
      numbers = columns_of(numbers, static_cast<std::size_t>(shape[1]), columns_.inputs);
      shape[1] = std::ssize(columns_.inputs);
    }
    NumberArray inputs = view_of(numbers, shape, type, fmt::format("{}: {}", label_, inputs_));
    inputs.channels_first = source_.channels_first;
    inputs.offsets = source_.input_offsets;
    inputs.names = columns_.names.inputs;
    inputs.integers = reader_.type_of(inputs_) == Hdf5Type::integer;
    if (source_.inputs_only) return make_dataset(inputs, source_.classification);
    const std::vector<double> targets =
        hdf5_targets(reader_, source_, label_, targets_, class_names_);
    NumberArray answers = doubles_of(targets, targets_);
    if (class_names_.empty()) answers.ignored = source_.ignore_label;  // a number, no word
    answers.offsets = source_.target_offsets;
    std::vector<double> weights;
    std::optional<NumberArray> weights_view;
    if (!weights_.empty()) {
      weights = reader_.doubles(weights_);
      weights_view = doubles_of(weights, weights_);
    }
    return make_dataset(inputs, answers, weights_view, source_.classification);
  }

  [[nodiscard]] NumberArray doubles_of(const std::vector<double>& values,
                                       const std::string& path) const {
    return view_of(values, reader_.shape_of(path), NumberType::f64,
                   fmt::format("{}: {}", label_, path));
  }

  const Source& source_;
  const std::string& label_;
  Hdf5Reader reader_;
  std::string inputs_, targets_, weights_;  ///< paths
  TableColumns columns_;                    ///< none: inputs are taken as they lie
  std::vector<std::string> class_names_;
  FileNotes notes_;
};

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
  const std::string weights = header.weighted ? hdf5_path("", weights_name) : "";
  if (header.weighted) file.dataset(weights, {{header.size}}, dataset.weights());
  write_columns(dataset, inputs, targets, weights, file);
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
  return Hdf5Loader(source, file).load();
}

}  // namespace lockstep
