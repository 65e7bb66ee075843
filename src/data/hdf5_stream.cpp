// HDF5 sets whose inputs stay in their files.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <utility>

#include "data/channels_last.hpp"
#include "data/digits.hpp"
#include "data/hdf5_sets.hpp"
#include "data/loaders.hpp"
#include "data/number_array.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/io/file.hpp"

namespace lockstep {
namespace {

/// What is read at a time, if the window allows it: long enough for disks and networks.
constexpr Index kBlockBytes = Index{1} << 20;
/// Blocks in a window, if they can be so small: enough to mix what lies far apart.
constexpr Index kBlocksInWindow = 16;
/// Two windows of the training samples and two of the validation samples are in memory.
constexpr Index kWindows = 4;

bool is_hdf5_file(const std::string& path) {
  std::array<std::byte, 8> head{};
  static_cast<void>(look_into_file(path, head));
  return is_hdf5(head);
}

/// `unit` rows are stored together.
Blocks blocks_for(const Source& source, Index row_bytes, Index unit) {
  const Index window = source.memory / kWindows / row_bytes;
  const Index rows = std::min(kBlockBytes / row_bytes, window / kBlocksInWindow);
  const Blocks blocks{std::max<Index>(rows / unit, 1) * unit, 0};
  if (blocks.rows <= window) return {blocks.rows, window / blocks.rows};
  throw Error(
      ExitCode::config,
      fmt::format("data.memory: {} bytes are too few for {}: {} samples of {} bytes are "
                  "stored together, and a quarter of the memory must hold them\n"
                  "  give it {} bytes or more, or store the file in smaller chunks",
                  source.memory, source.path, unit, row_bytes, kWindows * row_bytes * unit));
}

/// All parts as one array of numbers that is not there.
NumberArray inputs_of(const InputFile& file, bool channels_first) {
  const Hdf5Rows& first = file.parts().front();
  for (const Hdf5Rows& part : file.parts()) {
    if ((part.type() == Hdf5Type::u8) != (first.type() == Hdf5Type::u8) ||
        !std::ranges::equal(std::span(part.shape()).subspan(1),
                            std::span(first.shape()).subspan(1))) {
      throw Error(ExitCode::bad_data,
                  fmt::format("{}: expected samples as in {}, found another shape or type",
                              part.label(), first.label()));
    }
  }
  NumberArray inputs{first.label(), first.shape(), NumberType::f32, std::endian::native, {}};
  inputs.dimensions[0] = file.size();
  if (first.type() == Hdf5Type::u8) inputs.type = NumberType::u8;
  inputs.channels_first = channels_first;
  return inputs;
}

/// Where the samples of each file begin, if there are several.
std::vector<FileOfSamples> files_of(const std::vector<std::string>& paths, const InputFile& file) {
  if (paths.size() == 1) return {};
  std::vector<FileOfSamples> files;
  Index samples = 0;
  for (const Hdf5Rows& part : file.parts()) {
    files.push_back({paths[files.size()], std::exchange(samples, samples + part.shape().front())});
  }
  return files;
}

/// Settles what is taken off the inputs, and adds what they lose to `notes`: by all rows of the
/// first file, or if nothing is asked for, by its first ones.
void watch_digits(const Hdf5Rows& part, NumberArray& inputs, std::vector<std::string>& notes) {
  constexpr Index kFirst = 1024;
  if (part.type() == Hdf5Type::u8 || part.fits_float()) return;
  const std::vector<Index>& d = inputs.dimensions;
  const bool first = inputs.channels_first && d.size() == 4;
  const Index last = d.size() == 2 || d.size() == 4 ? d.back() : 1;
  DigitWatch watch(first ? d[1] : last, first ? d[2] * d[3] : 1);
  const Index rows = inputs.offsets.find ? part.shape()[0] : std::min(kFirst, part.shape()[0]);
  const Index width = part.row_numbers();
  const Index most = std::max<Index>(kBlockBytes / (width * Index{sizeof(double)}), 1);
  std::vector<double> numbers;
  for (Index done = 0; done < rows; done += most) {
    const Index count = std::min(most, rows - done);
    numbers.resize(static_cast<std::size_t>(count * width));
    part.read(done, count, numbers);
    for (const double number : numbers) watch.add(number);
  }
  if (inputs.offsets.find) inputs.offsets.values = watch.offsets();
  notes = digit_notes(watch, inputs.offsets.values,
                      {part.label(), {}, "data.normalize", part.type() == Hdf5Type::integer});
}

/// The numbers of one dataset of several files, one after the other.
struct JoinedNumbers {
  NumberArray array;
  std::vector<double> values{};
  std::vector<std::string> class_names{};  ///< of targets that are texts

  JoinedNumbers(const Source& source, const std::vector<std::string>& files,
                const std::string& path)
      : array{fmt::format("{}: {}", source.path, path),
              {},
              NumberType::f64,
              std::endian::native,
              {}} {
    std::vector<ClassesOfFile> classes;
    std::vector<std::size_t> begins;
    for (const std::string& file : files) {
      begins.push_back(values.size());
      classes.push_back({file, append(source, file, path)});
    }
    begins.push_back(values.size());
    class_names = classes_of_all(classes, source.class_names);
    for (std::size_t i = 0; i < classes.size(); ++i) {
      number_anew(std::span(values).subspan(begins[i], begins[i + 1] - begins[i]), classes[i].names,
                  class_names);
    }
    array.data = std::as_bytes(std::span(values));
  }
  /// What is taken off: as of data in memory, the first file decides.
  void set_offsets(const Offsets& offsets) {
    array.offsets = offsets;
    const auto& d = array.dimensions;
    if (!offsets.find || d.empty()) return;
    DigitWatch watch(std::accumulate(d.begin() + 1, d.end(), Index{1}, std::multiplies<>()));
    for (const double value : std::span(values).first(first_)) watch.add(value);
    array.offsets = {false, watch.offsets()};
  }
  JoinedNumbers(const JoinedNumbers&) = delete;  // the array is a view of the values
  JoinedNumbers& operator=(const JoinedNumbers&) = delete;

 private:
  std::size_t first_ = 0;  ///< values of the first file

  /// Adds the numbers of a file. The names of its classes, if they are texts.
  std::vector<std::string> append(const Source& source, const std::string& file,
                                  const std::string& path) {
    std::vector<std::string> names;
    const Hdf5Reader reader = Hdf5Reader::on_disk(file);
    const std::vector<Index> shape = reader.shape_of(path);
    const std::vector<double> part = hdf5_targets(reader, source, file, path, names);
    const auto row = [](std::span<const Index> s) { return s.subspan(s.empty() ? 0 : 1); };
    if (values.empty()) {
      array.dimensions = shape;
      first_ = part.size();
    } else if (shape.size() != array.dimensions.size() || shape.empty() ||
               !std::ranges::equal(row(shape), row(array.dimensions))) {
      throw Error(
          ExitCode::bad_data,
          fmt::format("{}: {}: expected one shape in all files, found ({}) after ({})", file, path,
                      fmt::join(shape, ", "), fmt::join(array.dimensions, ", ")));
    } else {
      array.dimensions[0] += shape[0];
    }
    values.insert(values.end(), part.begin(), part.end());
    return names;
  }
};

// What is done to samples of the shape of these rows; of another number of dimensions they are
// refused with the rest.
InputFile::Arrange arrangement(const Source& source, const Hdf5Rows& rows) {
  const std::vector<Index>& d = rows.shape();
  if (!source.channels_first || d.size() != 4) return {};
  const Shape shape{d[2], d[3], d[1]};
  const Index number = rows.type() == Hdf5Type::u8 ? 1 : Index{sizeof(float)};
  if (shape.size() == 0) return {};
  return ChannelsLast(shape, shape.size() * number);
}

}  // namespace

std::unique_ptr<InputFile> open_hdf5_inputs(const Source& source,
                                            const std::vector<std::string>& files,
                                            const std::string& group) {
  std::vector<Hdf5Rows> parts;
  for (const std::string& file : files) {
    parts.emplace_back(file, hdf5_path(group, source.inputs_name));
  }
  InputFile::Arrange arrange = arrangement(source, parts.front());
  return std::make_unique<InputFile>(std::move(parts), std::move(arrange));
}

std::optional<Dataset> open_hdf5(const Source& source, const std::vector<std::string>& files,
                                 const std::string& group) {
  if (!std::ranges::all_of(files, is_hdf5_file)) return {};
  for (const std::string& name : files) {
    check_hdf5_names(Hdf5Reader::on_disk(name), source, name, group);
  }
  auto file = open_hdf5_inputs(source, files, group);
  NumberArray inputs = inputs_of(*file, source.channels_first);
  inputs.offsets = source.input_offsets;
  const Index bytes = array_bytes(inputs.dimensions, inputs.type);
  if (bytes <= source.memory) return {};
  const Index unit = file->parts().front().chunk_rows();
  const Blocks blocks = blocks_for(source, bytes / inputs.dimensions[0], unit);
  std::vector<std::string> notes;
  watch_digits(file->parts().front(), inputs, notes);
  const std::vector<Index>& d = inputs.dimensions;
  file->set_offsets(inputs.offsets.values,
                    source.channels_first && d.size() == 4 ? d[2] * d[3] : 1);
  if (source.inputs_only) {
    Dataset data = make_dataset(inputs, source.classification, blocks);
    data.set_files(files_of(files, *file));
    data.add_notes(notes);
    data.set_file(std::move(file));
    return data;
  }
  const std::string path = hdf5_path(group, source.targets_name);
  JoinedNumbers targets(source, files, path);
  if (targets.class_names.empty()) targets.array.ignored = source.ignore_label;
  if (!source.classification) targets.set_offsets(source.target_offsets);
  const std::string weights_path = hdf5_weights_path(source, group);
  std::optional<JoinedNumbers> weights;
  Source of_values = source;
  of_values.classification = false;
  if (!weights_path.empty()) weights.emplace(of_values, files, weights_path);
  Dataset data =
      make_dataset(inputs, targets.array, weights ? std::optional(weights->array) : std::nullopt,
                   source.classification, blocks);
  data.set_files(files_of(files, *file));
  data.add_notes(notes);
  data.set_file(std::move(file));
  data.set_class_names(targets.class_names);
  for (const std::string& name : files) {
    const Hdf5Reader reader = Hdf5Reader::on_disk(name);
    note_unwritten(reader, name, {hdf5_path(group, source.inputs_name), path}, data);
    if (!source.classification || !targets.class_names.empty()) continue;
    const auto names = hdf5_class_names(reader, name, path, data.classes());
    if (&name == &files.front()) data.set_class_names(names);
    require_class_names(name, data.class_names(), names);
  }
  return data;
}

}  // namespace lockstep
