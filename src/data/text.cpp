#include "lockstep/data/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "data/loaders.hpp"
#include "lockstep/base/error.hpp"
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

}  // namespace

Dataset load_text(const Source& source, const std::vector<std::string>& files) {
  if (!source.classification) {
    throw Error(ExitCode::config,
                fmt::format("{}: the next symbol of a text is a class; choose the "
                            "loss cross_entropy",
                            source.path));
  }
  std::vector<DataFile> contents;
  std::string all;
  for (const std::string& path : files) {
    contents.push_back(read_data_file(path));
    const auto& bytes = contents.back().bytes;
    all.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  Vocabulary vocabulary = source.text.vocabulary;
  const std::string& name = files.size() == 1 ? files.front() : source.path;
  if (vocabulary.empty()) {
    vocabulary = source.text.bytewise ? Vocabulary::bytes() : Vocabulary::of_text(all, name);
  }
  const std::vector<std::int32_t> symbols = vocabulary.encode(all, name);
  const Index stride = source.text.stride == 0 ? source.text.context : source.text.stride;
  return windows_of(name, symbols, source.text.context, stride, vocabulary);
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
