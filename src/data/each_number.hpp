#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "data/number_array.hpp"

// The numbers of an array, whatever their type.

namespace lockstep {

template <typename T>
T load_number(const std::byte* from, std::endian order) {
  std::array<std::byte, sizeof(T)> bytes;
  std::memcpy(bytes.data(), from, sizeof(T));
  if (order != std::endian::native) std::ranges::reverse(bytes);
  return std::bit_cast<T>(bytes);
}

/// Calls visit(T{}) with the C++ type of the numbers.
template <typename Visit>
auto with_type(NumberType type, const Visit& visit) {
  switch (type) {
    case NumberType::u8:
      return visit(std::uint8_t{});
    case NumberType::i8:
      return visit(std::int8_t{});
    case NumberType::u16:
      return visit(std::uint16_t{});
    case NumberType::i16:
      return visit(std::int16_t{});
    case NumberType::u32:
      return visit(std::uint32_t{});
    case NumberType::i32:
      return visit(std::int32_t{});
    case NumberType::i64:
      return visit(std::int64_t{});
    case NumberType::f32:
      return visit(float{});
    case NumberType::f64:
      break;
  }
  return visit(double{});
}

/// Calls consume(i, number) for every number in turn, converted to double.
template <typename Consume>
void for_each_number(const NumberArray& array, const Consume& consume) {
  with_type(array.type, [&](auto zero) {
    using T = decltype(zero);
    for (std::size_t i = 0; i < array.data.size() / sizeof(T); ++i) {
      const T number = load_number<T>(array.data.data() + i * sizeof(T), array.order);
      consume(i, static_cast<double>(number));
    }
  });
}

}  // namespace lockstep
