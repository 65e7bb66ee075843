#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/data/dataset.hpp"

namespace lockstep {

/// The types of number that data files hold.
enum class NumberType { u8, i8, u16, i16, u32, i32, i64, f32, f64 };

[[nodiscard]] std::size_t bytes_of(NumberType type);

/// A row-major array of numbers as a data file holds it: a view, whatever the format was.
struct NumberArray {
  std::string path;  ///< of the file, for messages
  std::vector<Index> dimensions;
  NumberType type = NumberType::u8;
  std::endian order = std::endian::native;
  std::span<const std::byte> data;
  bool channels_first = false;       ///< inputs: (samples, channels, height, width)
  std::optional<Index> ignored{};    ///< targets: the label that says that nobody knows
  Offsets offsets{};                 ///< of values and inputs: what is taken off
  std::vector<std::string> names{};  ///< of the channels, for messages; may be empty
  bool integers = false;             ///< whole numbers are integers, also if the type is a real
};

/// The number as a float; above the range of floats it becomes infinite without a trap.
[[nodiscard]] float to_float(double number);

/// The bytes of an array of these dimensions, which are >= 0, or -1 if no file could hold so many.
[[nodiscard]] Index array_bytes(std::span<const Index> dimensions, NumberType type);

/// The arrays of inputs and targets as a dataset. Inputs (n), (n, d), (n, h, w) or (n, h, w, c), or
/// with channels first (n, c, h, w), which are put last; values (n) or (n, k); labels (n), or one
/// for each position (n, k) or (n, h, w), or one-hot (n, k) where samples have not k positions: a
/// single 1 among zeros; weights, if there are any, (n).
/// Errors: bad_data, naming file, sample and column, for no samples, unequal numbers of them,
/// numbers that are not finite as float, labels that are not integers in [0, 2^31) and are not to
/// be ignored, and weights below 0. Digits that are lost are noted. With blocks, the inputs are
/// streamed, inputs.data is not looked at, and inputs.offsets.values are what is taken off.
[[nodiscard]] Dataset make_dataset(const NumberArray& inputs, const NumberArray& targets,
                                   const std::optional<NumberArray>& weights, bool classification,
                                   const Blocks& blocks = {});

/// The array of inputs as a dataset of which nobody knows the answers: labels or values are 0.
[[nodiscard]] Dataset make_dataset(const NumberArray& inputs, bool classification,
                                   const Blocks& blocks = {});

/// True if the number can be a class label: an integer in [0, 2^31).
[[nodiscard]] bool is_label(double number);
/// What a number that is no label may be meant for, to follow a message; empty if nothing is
/// likely.
[[nodiscard]] std::string label_hint(double number);

}  // namespace lockstep
