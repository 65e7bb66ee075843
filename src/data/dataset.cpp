#include "lockstep/data/dataset.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

namespace lockstep {
namespace {

template <typename T, typename Byte>
std::span<T> as_numbers(std::span<Byte> bytes) {
  return {reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T)};
}

template <typename T>
std::span<T> row(std::span<T> values, Index sample, Index length) {
  return values.subspan(static_cast<std::size_t>(sample * length),
                        static_cast<std::size_t>(length));
}

}  // namespace

Index DatasetHeader::row_bytes() const {
  const Index element = input_type == InputType::bytes ? 1 : static_cast<Index>(sizeof(float));
  return shape.size() * element;
}

Index DatasetHeader::input_bytes() const {
  if (is_text()) return symbols * static_cast<Index>(sizeof(std::int32_t));
  return streamed() ? 0 : size * row_bytes();
}

Index DatasetHeader::target_bytes() const {
  static_assert(sizeof(float) == sizeof(std::int32_t));
  if (is_text()) return 0;
  return size * target_columns * static_cast<Index>(sizeof(float));
}

Index DatasetHeader::weight_bytes() const {
  return weighted ? size * static_cast<Index>(sizeof(float)) : 0;
}

Index DatasetHeader::storage_bytes() const {
  return aligned<std::byte>(input_bytes()) + target_bytes() + weight_bytes();
}

Dataset::Dataset(std::string name, const DatasetHeader& header)
    : name_(std::move(name)),
      header_(header),
      owned_(header.storage_bytes()),
      storage_(owned_.span()) {}

Dataset::Dataset(std::string name, const DatasetHeader& header, std::span<std::byte> storage)
    : name_(std::move(name)), header_(header), storage_(storage) {
  assert(static_cast<Index>(storage.size()) == header.storage_bytes());
  assert(reinterpret_cast<std::uintptr_t>(storage.data()) % kAlignment == 0);
}

std::span<const std::byte> Dataset::input_bytes() const {
  return storage_.first(static_cast<std::size_t>(header_.input_bytes()));
}

std::span<const std::byte> Dataset::target_bytes() const {
  return storage_.subspan(static_cast<std::size_t>(aligned<std::byte>(header_.input_bytes())),
                          static_cast<std::size_t>(header_.target_bytes()));
}

std::span<const std::byte> Dataset::weight_bytes() const {
  return storage_.last(static_cast<std::size_t>(header_.weight_bytes()));
}

std::span<const std::uint8_t> Dataset::byte_inputs() const {
  assert(header_.input_type == InputType::bytes);
  return as_numbers<const std::uint8_t>(input_bytes());
}

std::span<const float> Dataset::float_inputs() const {
  assert(header_.input_type == InputType::floats);
  return as_numbers<const float>(input_bytes());
}

std::span<const std::int32_t> Dataset::symbols() const {
  assert(header_.is_text());
  return as_numbers<const std::int32_t>(input_bytes());
}

std::span<const std::int32_t> Dataset::labels() const {
  assert(header_.target_kind == TargetKind::labels && !header_.is_text());
  return as_numbers<const std::int32_t>(target_bytes());
}

std::span<const float> Dataset::values() const {
  assert(header_.target_kind == TargetKind::values);
  return as_numbers<const float>(target_bytes());
}

std::span<const float> Dataset::weights() const { return as_numbers<const float>(weight_bytes()); }

void Dataset::set_offsets(std::vector<double> inputs, std::vector<double> targets) {
  offsets_ = std::move(inputs);
  target_offsets_ = std::move(targets);
}

void Dataset::set_file(std::unique_ptr<InputFile> file) {
  file_ = std::move(file);
  const Index rows = header_.blocks.rows;
  blocks_ = Buffer<const std::byte*>((header_.size + rows - 1) / rows);
}

std::span<const std::byte> Dataset::input(Index sample) const {
  const Index bytes = header_.row_bytes();
  if (!header_.streamed()) return row(input_bytes(), sample, bytes);
  const Index rows = header_.blocks.rows;
  const std::byte* const block = blocks_.data()[sample / rows];
  assert(block != nullptr);
  return {block + sample % rows * bytes, static_cast<std::size_t>(bytes)};
}

void Dataset::normalize(std::span<const std::byte> input, const Normalization& normalization,
                        std::span<Real> out) const {
  assert(static_cast<Index>(out.size()) == header_.shape.size());
  if (header_.input_type == InputType::bytes) {
    normalization.apply(as_numbers<const std::uint8_t>(input), out);
  } else {
    normalization.apply(as_numbers<const float>(input), out);
    if (offsets_.empty() || !normalization.mean.empty()) return;
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<Real>(static_cast<double>(out[i]) + offsets_[i % offsets_.size()]);
    }
  }
}

void Dataset::read_input(Index sample, const Normalization& normalization,
                         std::span<Real> out) const {
  normalize(input(sample), normalization, out);
}

void Dataset::read_window(Index sample, Index offset, std::span<Real> out,
                          std::span<std::int32_t> labels) const {
  const Index context = header_.target_columns;
  assert(static_cast<Index>(out.size()) == context && labels.size() == out.size());
  const auto start = static_cast<std::size_t>(sample * header_.stride + offset);
  const auto window = symbols().subspan(start, static_cast<std::size_t>(context) + 1);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<Real>(window[i]);
    labels[i] = window[i + 1];
  }
}

std::span<const std::int32_t> Dataset::labels(Index sample) const {
  return row(labels(), sample, header_.target_columns);
}

void Dataset::count_ignored() {
  if (!header_.ignores || header_.target_kind != TargetKind::labels) return;
  ignored_.resize(static_cast<std::size_t>(header_.size));
  for (Index i = 0; i < header_.size; ++i) {
    ignored_[static_cast<std::size_t>(i)] =
        static_cast<std::int32_t>(std::ranges::count(labels(i), kIgnoredLabel));
  }
}

std::span<const float> Dataset::target(Index sample) const {
  return row(values(), sample, header_.target_columns);
}

Index Dataset::classes() const {
  if (header_.target_kind == TargetKind::values || header_.size == 0) return 0;
  return Index{std::ranges::max(header_.is_text() ? symbols() : labels())} + 1;
}

Digest Dataset::digest() const {
  // Field by field: the padding between them is not part of the data.
  const std::array<std::int64_t, 7> fields = {header_.shape.height,
                                              header_.shape.width,
                                              header_.shape.channels,
                                              header_.size,
                                              static_cast<std::int64_t>(header_.input_type),
                                              static_cast<std::int64_t>(header_.target_kind),
                                              header_.target_columns};
  Digester digester;
  digester.update(std::as_bytes(std::span(fields)));
  if (header_.is_text()) {
    const std::array<std::int64_t, 2> windows = {header_.symbols, header_.stride};
    digester.update(std::as_bytes(std::span(windows)));
  }
  if (header_.streamed()) {
    InputScan inputs(*this);
    for (Index i = 0; i < header_.size; ++i) digester.update(inputs(i));
  } else {
    digester.update(input_bytes());
  }
  digester.update(target_bytes());
  digester.update(weight_bytes());
  digester.update(std::as_bytes(std::span(offsets_)));
  digester.update(std::as_bytes(std::span(target_offsets_)));
  return digester.finish();
}

InputScan::InputScan(const Dataset& data) : data_(data) {
  const DatasetHeader& header = data.describe();
  if (header.streamed()) block_ = Buffer<std::byte>(header.blocks.rows * header.row_bytes());
}

std::span<const std::byte> InputScan::operator()(Index sample) {
  const DatasetHeader& header = data_.describe();
  if (!header.streamed()) return data_.input(sample);
  const Index rows = header.blocks.rows;
  const Index bytes = header.row_bytes();
  if (const Index block = sample / rows; block != number_) {
    number_ = -1;
    const Index count = std::min(rows, header.size - block * rows);
    data_.file().read(block * rows, count, block_.span(0, count * bytes));
    number_ = block;
  }
  return block_.span(sample % rows * bytes, bytes);
}

}  // namespace lockstep
