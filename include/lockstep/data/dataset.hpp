#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lockstep/base/buffer.hpp"
#include "lockstep/data/input_file.hpp"
#include "lockstep/data/normalization.hpp"
#include "lockstep/data/sampler.hpp"
#include "lockstep/data/vocabulary.hpp"
#include "lockstep/io/digest.hpp"

namespace lockstep {

/// How inputs are stored: bytes as they are, symbols of a text as int32, every other type of number
/// as float.
enum class InputType : std::int32_t { bytes, floats, symbols };

/// What a sample is to be mapped to: one class label, or a row of numbers.
enum class TargetKind : std::int32_t { labels, values };

/// Stands for a label that nobody knows; it counts nothing.
inline constexpr std::int32_t kIgnoredLabel = -1;

/// Everything that determines the storage of a dataset. Trivially copyable, so that it can be sent
/// as bytes.
struct DatasetHeader {
  Shape shape;     ///< of one sample
  Index size = 0;  ///< samples
  InputType input_type = InputType::floats;
  TargetKind target_kind = TargetKind::labels;
  Index target_columns = 1;  ///< labels or values per sample
  Index symbols = 0;  ///< of a text, stored once: samples are windows of it, and the label of each
                      ///< position is the symbol that follows it
  Index stride = 0;   ///< of a text: from the start of one window to the next
  Index rate = 0;     ///< of recordings: samples per second
  bool weighted = false;  ///< each sample has a weight of its own
  bool ignores = false;   ///< labels may be kIgnoredLabel
  Blocks blocks{};  ///< of inputs that stay in their files, blocks of which are read; else none

  [[nodiscard]] bool is_text() const { return input_type == InputType::symbols; }
  [[nodiscard]] bool streamed() const { return blocks.rows > 0; }
  /// Bytes of the input of one sample as stored.
  [[nodiscard]] Index row_bytes() const;
  [[nodiscard]] Index input_bytes() const;
  [[nodiscard]] Index target_bytes() const;
  [[nodiscard]] Index weight_bytes() const;
  /// Bytes of storage: the inputs unless they are streamed, rounded up to kAlignment, then the
  /// targets, then the weights.
  [[nodiscard]] Index storage_bytes() const;
  friend bool operator==(const DatasetHeader&, const DatasetHeader&) = default;
};

/// One of several files that the samples of a set come from.
struct FileOfSamples {
  std::string path;
  Index first;  ///< number of its first sample
};

/// What the columns of a table are called; all empty if it has no names for them.
struct ColumnNames {
  std::vector<std::string> inputs;
  std::string target;
  std::string weights;

  [[nodiscard]] bool known() const { return !inputs.empty(); }
  friend bool operator==(const ColumnNames&, const ColumnNames&) = default;
};

/// Samples in memory, row-major, one after the other. One block of storage holds everything, so
/// that a rank can load it and others receive it, or see it through shared memory.
class Dataset {
 public:
  /// Owns zeroed storage.
  Dataset(std::string name, const DatasetHeader& header);
  /// Works on `storage` of header.storage_bytes() bytes, aligned to kAlignment, that outlives the
  /// dataset.
  Dataset(std::string name, const DatasetHeader& header, std::span<std::byte> storage);

  /// Where the data came from, for messages.
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const DatasetHeader& describe() const { return header_; }
  [[nodiscard]] const Shape& shape() const { return header_.shape; }
  [[nodiscard]] Index size() const { return header_.size; }
  /// Names of the columns, if the file had any; known only where it was loaded.
  [[nodiscard]] const ColumnNames& columns() const { return columns_; }
  void set_columns(ColumnNames columns) { columns_ = std::move(columns); }
  /// Those of the inputs.
  [[nodiscard]] const std::vector<std::string>& column_names() const { return columns_.inputs; }
  /// What was taken off the inputs of each channel, and off the values of each target column,
  /// before they were stored; empty: nothing.
  [[nodiscard]] const std::vector<double>& offsets() const { return offsets_; }
  [[nodiscard]] const std::vector<double>& target_offsets() const { return target_offsets_; }
  void set_offsets(std::vector<double> inputs, std::vector<double> targets);
  /// The files of the samples, each with the number of its first one, in order; empty for a single
  /// file. Known only where it was loaded.
  [[nodiscard]] const std::vector<FileOfSamples>& files() const { return files_; }
  void set_files(std::vector<FileOfSamples> files) { files_ = std::move(files); }
  /// What the labels 0, 1, ... are called, if the files said it; known only where it was loaded.
  [[nodiscard]] const std::vector<std::string>& class_names() const { return class_names_; }
  void set_class_names(std::vector<std::string> names) { class_names_ = std::move(names); }
  /// Where the targets came from, for messages: name(), unless it is known that they were apart;
  /// known only where it was loaded.
  [[nodiscard]] const std::string& targets_name() const {
    return targets_name_.empty() ? name_ : targets_name_;
  }
  void set_targets_name(const std::string& name) { targets_name_ = name; }
  /// Of a text; known only where it was loaded.
  [[nodiscard]] const Vocabulary& vocabulary() const { return vocabulary_; }
  void set_vocabulary(const Vocabulary& vocabulary) { vocabulary_ = vocabulary; }
  /// Sentences for people about what was left out or altered when the files were read; known only
  /// where they were.
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }
  void add_notes(const std::vector<std::string>& notes) {
    notes_.insert(notes_.end(), notes.begin(), notes.end());
  }

  [[nodiscard]] std::span<const std::byte> storage() const { return storage_; }
  [[nodiscard]] std::span<const std::byte> input_bytes() const;
  [[nodiscard]] std::span<const std::byte> target_bytes() const;
  [[nodiscard]] std::span<const std::byte> weight_bytes() const;

  /// All inputs as stored; the type must be that of the header.
  [[nodiscard]] std::span<const std::uint8_t> byte_inputs() const;
  [[nodiscard]] std::span<const float> float_inputs() const;
  [[nodiscard]] std::span<const std::int32_t> symbols() const;
  /// All targets as stored, those of a text apart; the kind must be that of the header.
  [[nodiscard]] std::span<const std::int32_t> labels() const;
  [[nodiscard]] std::span<const float> values() const;
  /// How much each sample counts in the loss; empty if all count alike.
  [[nodiscard]] std::span<const float> weights() const;

  // The same to write to.
  [[nodiscard]] std::span<std::byte> storage() { return storage_; }
  [[nodiscard]] std::span<std::byte> input_bytes() { return to_write(&Dataset::input_bytes); }
  [[nodiscard]] std::span<std::byte> target_bytes() { return to_write(&Dataset::target_bytes); }
  [[nodiscard]] std::span<std::byte> weight_bytes() { return to_write(&Dataset::weight_bytes); }
  [[nodiscard]] std::span<std::uint8_t> byte_inputs() { return to_write(&Dataset::byte_inputs); }
  [[nodiscard]] std::span<float> float_inputs() { return to_write(&Dataset::float_inputs); }
  [[nodiscard]] std::span<std::int32_t> symbols() { return to_write(&Dataset::symbols); }
  [[nodiscard]] std::span<std::int32_t> labels() { return to_write(&Dataset::labels); }
  [[nodiscard]] std::span<float> values() { return to_write(&Dataset::values); }
  [[nodiscard]] std::span<float> weights() { return to_write(&Dataset::weights); }

  /// Streamed inputs: the files that hold them, and where the first row of each block lies while it
  /// is in memory, which is up to whoever reads it; null while it is not.
  [[nodiscard]] const InputFile& file() const { return *file_; }
  void set_file(std::unique_ptr<InputFile> file);
  [[nodiscard]] std::span<const std::byte*> blocks() { return blocks_.span(); }

  /// The input of one sample as stored; of a streamed set, its block must be in memory.
  [[nodiscard]] std::span<const std::byte> input(Index sample) const;
  /// Normalises an input as stored, by a normalization that knows of the same offsets or is empty;
  /// out.size() == shape().size().
  void normalize(std::span<const std::byte> input, const Normalization& normalization,
                 std::span<Real> out) const;
  /// Writes the normalised input of one sample; out.size() == shape().size().
  void read_input(Index sample, const Normalization& normalization, std::span<Real> out) const;
  /// Of a text: the symbols of one window, `offset` < stride later, as numbers, and those that
  /// follow each. Requires out.size() == labels.size() == target_columns.
  void read_window(Index sample, Index offset, std::span<Real> out,
                   std::span<std::int32_t> labels) const;
  /// The labels of one sample, one for each of its positions that has one.
  [[nodiscard]] std::span<const std::int32_t> labels(Index sample) const;
  /// How many of them are kIgnoredLabel; 0 before count_ignored().
  [[nodiscard]] Index ignored(Index sample) const {
    return ignored_.empty() ? 0 : ignored_[static_cast<std::size_t>(sample)];
  }
  /// Looks for ignored labels, once all are stored.
  void count_ignored();
  /// The label of a sample that has one.
  [[nodiscard]] std::int32_t label(Index sample) const { return labels(sample).front(); }
  /// The target values of one sample.
  [[nodiscard]] std::span<const float> target(Index sample) const;

  /// Largest label + 1, symbols of a text included; 0 for value targets.
  [[nodiscard]] Index classes() const;
  /// Digest of header and contents, not of the name: equal data from different files is equal.
  [[nodiscard]] Digest digest() const;

 private:
  // Storage is ours to write to, if we are.
  template <typename T>
  std::span<T> to_write(std::span<const T> (Dataset::*view)() const) {
    const std::span<const T> seen = (this->*view)();
    return {const_cast<T*>(seen.data()), seen.size()};
  }

  std::string name_;
  DatasetHeader header_;
  Buffer<std::byte> owned_;
  std::span<std::byte> storage_;
  ColumnNames columns_;
  std::vector<double> offsets_;
  std::vector<double> target_offsets_;
  std::vector<FileOfSamples> files_;
  std::vector<std::string> class_names_;
  std::string targets_name_;
  std::vector<std::int32_t> ignored_;  ///< labels of each sample; empty: none
  Vocabulary vocabulary_;
  std::vector<std::string> notes_;
  std::unique_ptr<InputFile> file_;
  Buffer<const std::byte*> blocks_;
};

/// The inputs of a whole set, one sample after the other, wherever they are: of a streamed set, a
/// block is read when the first of its samples is asked for.
/// Errors: as InputFile::read.
class InputScan {
 public:
  explicit InputScan(const Dataset& data);
  /// The input of a sample as stored, valid until the next call.
  [[nodiscard]] std::span<const std::byte> operator()(Index sample);

 private:
  const Dataset& data_;
  Buffer<std::byte> block_;
  Index number_ = -1;
};

}  // namespace lockstep
