// HDF5 sets whose inputs stay in their files.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "data/channels_last.hpp"
#include "data/class_names.hpp"
#include "data/digits.hpp"
#include "data/hdf5_numbers.hpp"
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
NumberArray inputs_of(const InputFile& file, const Source& source) {
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
  inputs.channels_first = source.channels_first;
  inputs.offsets = source.input_offsets;
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

/// A set whose inputs stay in their files: opens it, and reads the rest.
class StreamedSet {
 public:
  StreamedSet(const Source& source, const std::vector<std::string>& files, const std::string& group,
              std::unique_ptr<InputFile> file, NumberArray inputs)
      : source_(source),
        files_(files),
        group_(group),
        file_(std::move(file)),
        inputs_(std::move(inputs)) {}

  Dataset load() {
    check_scale();
    const Index bytes = array_bytes(inputs_.dimensions, inputs_.type);
    const Hdf5Rows& first = file_->parts().front();
    const Blocks blocks = blocks_for(source_, bytes / inputs_.dimensions[0], first.chunk_rows());
    read_columns();
    std::vector<std::string> notes;
    watch_digits(first, inputs_, notes);
    const std::vector<Index>& d = inputs_.dimensions;
    const bool planes = source_.channels_first && d.size() == 4;
    file_->set_offsets(inputs_.offsets.values, planes ? d[2] * d[3] : 1);
    Dataset data = source_.inputs_only ? make_dataset(inputs_, source_.classification, blocks)
                                       : with_targets(blocks);
    data.set_columns(columns_);
    data.set_files(files_of(files_, *file_));
    data.set_file(std::move(file_));
    data.add_notes(notes);
    data.add_notes(notes_.texts());
    return data;
  }

 private:
  /// Errors: bad_data if offsets are to be taken off bytes, which stay bytes.
  void check_scale() const {
    if (inputs_.type != NumberType::u8 || inputs_.offsets.values.empty()) return;
    throw Error(ExitCode::bad_data,
                fmt::format("{}: bytes that stay in their file cannot be brought to the scale of "
                            "the training data, whose numbers had more digits than 32-bit floats "
                            "hold; store them as 32-bit floats",
                            inputs_.path));
  }

  /// Columns of all files have the order of the training data, or of the first file.
  void read_columns() {
    Source source = source_;
    for (const std::string& name : files_) {
      const TableColumns columns =
          hdf5_column_order(Hdf5Reader::on_disk(name), source, name, group_, notes_);
      if (!columns.inputs.empty()) {
        throw Error(ExitCode::bad_data,
                    fmt::format("{}: its columns have other places than in the training data, and "
                                "inputs that stay in their file are taken as they lie\n  store "
                                "them as {}, or take data.memory out",
                                name, fmt::join(source.columns->inputs, ", ")));
      }
      if (&name == &files_.front()) columns_ = columns.names;
      if (!source.columns && columns_.known()) source.columns = columns_;
    }
  }

  Dataset with_targets(const Blocks& blocks) {
    const std::string path = hdf5_path(group_, source_.targets_name);
    JoinedNumbers targets(source_, files_, path);
    if (targets.class_names.empty()) targets.array.ignored = source_.ignore_label;
    if (!source_.classification) targets.set_offsets(source_.target_offsets);
    const std::string weights_path = hdf5_weights_path(source_, group_);
    std::optional<JoinedNumbers> weights;
    Source of_values = source_;
    of_values.classification = false;
    if (!weights_path.empty()) weights.emplace(of_values, files_, weights_path);
    Dataset data =
        make_dataset(inputs_, targets.array, weights ? std::optional(weights->array) : std::nullopt,
                     source_.classification, blocks);
    data.set_class_names(targets.class_names);
    NamesOfFiles names;
    for (const std::string& name : files_) {
      const Hdf5Reader reader = Hdf5Reader::on_disk(name);
      const std::string inputs_path = hdf5_path(group_, source_.inputs_name);
      for (const std::string& sentence : unwritten_chunks(reader, {inputs_path, path})) {
        notes_.add(name, sentence);
      }
      if (!source_.classification || !targets.class_names.empty()) continue;
      names.add(name, hdf5_class_names(reader, source_, name, path, data.classes()));
    }
    if (names.names().empty()) return data;
    data.set_class_names(names.names());
    if (const std::string note = names.note(source_.path); !note.empty()) data.add_notes({note});
    return data;
  }

  const Source& source_;
  const std::vector<std::string>& files_;
  const std::string& group_;
  std::unique_ptr<InputFile> file_;
  NumberArray inputs_;
  ColumnNames columns_;
  FileNotes notes_;
};

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
  const NumberArray inputs = inputs_of(*file, source);
  if (array_bytes(inputs.dimensions, inputs.type) <= source.memory) return {};
  return StreamedSet(source, files, group, std::move(file), inputs).load();
}

}  // namespace lockstep
