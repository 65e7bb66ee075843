#include "lockstep/data/input_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>

#include "data/number_array.hpp"
#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

void check_finite(const Hdf5Rows& part, Index first, Index count, std::span<const float> numbers) {
  const auto wrong = std::ranges::find_if_not(numbers, [](float x) { return std::isfinite(x); });
  if (wrong == numbers.end()) return;
  const auto width = static_cast<Index>(numbers.size()) / count;
  const Index at = wrong - numbers.begin();
  throw Error(ExitCode::bad_data,
              fmt::format("{}: sample {}, column {}: expected a finite number of at most 3.4e38, "
                          "found {}",
                          part.label(), first + at / width, at % width, *wrong));
}

}  // namespace

Index InputFile::size() const {
  Index size = 0;
  for (const Hdf5Rows& part : parts_) size += part.shape()[0];
  return size;
}

const Hdf5Rows& InputFile::part_of(Index sample) const {
  assert(0 <= sample && sample < size());
  auto part = parts_.begin();
  for (; sample >= part->shape()[0]; ++part) sample -= part->shape()[0];
  return *part;
}

void InputFile::set_offsets(std::vector<double> offsets, Index run) {
  constexpr Index kNumbers = 65536;  // at a time, unless a row has more
  offsets_ = std::move(offsets);
  run_ = static_cast<std::size_t>(run);
  if (offsets_.empty()) return;
  const Index width = parts_.front().row_numbers();
  rows_.resize(static_cast<std::size_t>(std::max<Index>(kNumbers / width, 1) * width));
}

void InputFile::read_less_offsets(const Hdf5Rows& part, Index first, Index count,
                                  std::span<float> out) const {
  const Index width = part.row_numbers();
  const Index most = static_cast<Index>(rows_.size()) / width;
  for (Index done = 0; done < count; done += most) {
    const Index rows = std::min(most, count - done);
    const auto numbers = std::span(rows_).first(static_cast<std::size_t>(rows * width));
    part.read(first + done, rows, numbers);
    const auto here = out.subspan(static_cast<std::size_t>(done * width), numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      here[i] = to_float(numbers[i] - offsets_[i / run_ % offsets_.size()]);
    }
  }
}

void InputFile::read(Index first, Index count, std::span<std::byte> out) const {
  assert(0 <= first && 0 < count && first + count <= size());
  const std::scoped_lock lock(reading_);
  const std::size_t bytes = out.size() / static_cast<std::size_t>(count);
  for (const Hdf5Rows& part : parts_) {
    const Index rows = part.shape()[0];
    const Index taken = first < rows ? std::min(count, rows - first) : 0;
    const auto here = out.first(static_cast<std::size_t>(taken) * bytes);
    if (taken > 0 && part.type() == Hdf5Type::u8) {
      part.read(first, taken, {reinterpret_cast<std::uint8_t*>(here.data()), here.size()});
    } else if (taken > 0) {
      const std::span numbers(reinterpret_cast<float*>(here.data()), here.size() / sizeof(float));
      if (offsets_.empty()) {
        part.read(first, taken, numbers);
      } else {
        read_less_offsets(part, first, taken, numbers);
      }
      check_finite(part, first, taken, numbers);
    }
    if (taken > 0 && arrange_) arrange_(here);
    out = out.subspan(here.size());
    count -= taken;
    first = std::max<Index>(first - rows, 0);
  }
}

}  // namespace lockstep
