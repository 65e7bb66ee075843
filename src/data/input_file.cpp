#include "lockstep/data/input_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>

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

void InputFile::read(Index first, Index count, std::span<std::byte> out) const {
  assert(0 <= first && 0 < count && first + count <= size());
  const std::size_t bytes = out.size() / static_cast<std::size_t>(count);
  for (const Hdf5Rows& part : parts_) {
    const Index rows = part.shape()[0];
    const Index taken = first < rows ? std::min(count, rows - first) : 0;
    const auto here = out.first(static_cast<std::size_t>(taken) * bytes);
    if (taken > 0 && part.type() == Hdf5Type::u8) {
      part.read(first, taken, {reinterpret_cast<std::uint8_t*>(here.data()), here.size()});
    } else if (taken > 0) {
      const std::span numbers(reinterpret_cast<float*>(here.data()), here.size() / sizeof(float));
      part.read(first, taken, numbers);
      check_finite(part, first, taken, numbers);
    }
    if (taken > 0 && arrange_) arrange_(here);
    out = out.subspan(here.size());
    count -= taken;
    first = std::max<Index>(first - rows, 0);
  }
}

}  // namespace lockstep
