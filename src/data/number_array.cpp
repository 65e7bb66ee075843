#include "data/number_array.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/each_number.hpp"

namespace lockstep {

std::size_t bytes_of(NumberType type) {
  return with_type(type, [](auto zero) { return sizeof(zero); });
}

Index array_bytes(std::span<const Index> dimensions, NumberType type) {
  if (std::ranges::find(dimensions, Index{0}) != dimensions.end()) return 0;
  // Room for the conversion of bytes to floats.
  constexpr Index most = std::numeric_limits<Index>::max() / 8;
  auto bytes = static_cast<Index>(bytes_of(type));
  for (const Index dimension : dimensions) {
    if (dimension > most / bytes) return -1;
    bytes *= dimension;
  }
  return bytes;
}

std::string label_hint(double number) {
  constexpr double kLeastIgnored = -1000;  // -1, -100, -999 are usual
  if (number != std::floor(number) || number < kLeastIgnored) {
    return "; numbers that are not classes need a regression loss, such as loss.type = \"mse\"";
  }
  if (number >= 0) return {};
  return fmt::format("; if it marks unknown labels, set data.ignore_label = {}", number);
}

float to_float(double number) {
  return std::abs(number) > double{std::numeric_limits<float>::max()}
             ? std::numeric_limits<float>::infinity()
             : static_cast<float>(number);
}

bool is_label(double number) {
  return number >= 0.0 && number <= double{std::numeric_limits<std::int32_t>::max()} &&
         number == std::floor(number);
}

}  // namespace lockstep
