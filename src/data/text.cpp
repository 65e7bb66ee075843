#include "lockstep/data/text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "data/byte_order_mark.hpp"
#include "data/file_tally.hpp"
#include "data/loaders.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/base/file_kind.hpp"
#include "lockstep/base/random.hpp"

namespace lockstep {
namespace {

Dataset windows_of(const std::string& name, std::span<const std::int32_t> symbols, Index context,
                   Index stride, const Vocabulary& vocabulary) {
  const auto count = static_cast<Index>(symbols.size());
  if (count < context + stride) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: expected at least {} symbols, data.context and data.stride "
                            "together; found {}",
                            name, context + stride, count));
  }
  DatasetHeader header;
  header.shape = {context, 1, 1};
  header.size = (count - context) / stride;
  header.input_type = InputType::symbols;
  header.target_kind = TargetKind::labels;
  header.target_columns = context;
  header.symbols = count;
  header.stride = stride;
  Dataset dataset(name, header);
  std::ranges::copy(symbols, dataset.symbols().begin());
  dataset.set_vocabulary(vocabulary);
  return dataset;
}

/// Files whose symbols are hardly those that were meant.
class TextTally {
 public:
  /// Errors: Error(bad_data) if there is no text.
  void add(const Source& source, const DataFile& file) {
    const auto kind = kind_of_file(file.bytes);
    if (!kind) return source.text.bytewise ? void() : refuse_zeros(file);
    const bool possible =
        kind->use == FileUse::text || (source.text.bytewise && kind->use != FileUse::nothing);
    if (!possible) refuse_kind(file.path, *kind, "a text in UTF-8");
    foreign_.add(file.path);
    if (what_.empty()) what_ = kind->what;
  }

  [[nodiscard]] std::vector<std::string> notes(const Source& source, std::size_t files,
                                               std::string_view all) const {
    std::vector<std::string> found;
    if (!foreign_.empty()) {
      found.push_back(fmt::format("{}: {} no plain text, taken as they are: {} is {}", source.path,
                                  foreign_.of(files, "files"), foreign_.first(), what_));
    }
    if (const auto returns = std::ranges::count(all, '\r'); returns > 0) {
      found.push_back(
          fmt::format("{}: {} carriage returns (CR), a symbol of its own each, as in "
                      "files of Windows; tr -d '\\r' < OLD > NEW takes them out",
                      source.path, returns));
    }
    return found;
  }

 private:
  /// No letter is written as a zero, but by wider characters than those of UTF-8.
  static void refuse_zeros(const DataFile& file) {
    const auto zero = std::ranges::find(file.bytes, std::byte{0});
    if (zero == file.bytes.end()) return;
    throw Error(
        ExitCode::bad_data,
        fmt::format("{}: offset {}: expected a text in UTF-8, found a zero byte\n  if it is "
                    "in UTF-16 or UTF-32, iconv converts it: iconv -f UTF-16LE -t UTF-8 "
                    "OLD > NEW",
                    file.path, zero - file.bytes.begin()));
  }

  FileTally foreign_;
  std::string what_;
};

}  // namespace

Dataset load_text(const Source& source, const std::vector<std::string>& files) {
  if (!source.classification) {
    throw Error(ExitCode::config,
                fmt::format("{}: the next symbol of a text is a class; choose the "
                            "loss cross_entropy",
                            source.path));
  }
  std::string all;
  TextTally tally;
  for (const std::string& path : files) {
    const DataFile file = unpacked_file(path);
    std::string_view text(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size());
    tally.add(source, file);
    text = without_byte_order_mark(text);
    all.append(text);
  }
  Vocabulary vocabulary = source.text.vocabulary;
  const std::string& name = files.size() == 1 ? files.front() : source.path;
  if (vocabulary.empty()) {
    vocabulary = source.text.bytewise ? Vocabulary::bytes() : Vocabulary::of_text(all, name);
  }
  const std::vector<std::int32_t> symbols = vocabulary.encode(all, name);
  const Index stride = source.text.stride == 0 ? source.text.context : source.text.stride;
  Dataset data = windows_of(name, symbols, source.text.context, stride, vocabulary);
  data.add_notes(tally.notes(source, files.size(), all));
  return data;
}

TextParts split_text(const Dataset& whole, double fraction) {
  const DatasetHeader& header = whole.describe();
  const std::span<const std::int32_t> symbols = whole.symbols();
  const auto held_out = static_cast<std::size_t>(fraction * static_cast<double>(header.symbols));
  const auto part = [&](std::span<const std::int32_t> of_it, const char* which) {
    return windows_of(fmt::format("{} ({})", whole.name(), which), of_it, header.target_columns,
                      header.stride, whole.vocabulary());
  };
  TextParts parts{part(symbols.first(symbols.size() - held_out), "training part"),
                  part(symbols.last(held_out), "validation part")};
  parts.train.add_notes(whole.notes());
  return parts;
}

Index window_offset(const DatasetHeader& header, std::uint64_t seed, std::uint64_t epoch) {
  const RandomKey key{.seed = seed, .purpose = RandomPurpose::windows};
  return static_cast<Index>(
      std::uint64_t{random_bits(key, epoch)} * static_cast<std::uint64_t>(header.stride) >> 32);
}

}  // namespace lockstep
