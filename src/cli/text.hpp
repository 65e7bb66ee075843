#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/nn/layer.hpp"
#include "lockstep/nn/loss.hpp"

// Numbers as people read them.

namespace lockstep::cli {

/// "12,345,678".
[[nodiscard]] std::string thousands(std::uint64_t value);
[[nodiscard]] std::string thousands(Index value);

/// "1 rank", "2 ranks".
[[nodiscard]] std::string plural(std::uint64_t count, std::string_view noun);

/// Four significant digits: "0.2931", "98.87", "3.000e-05".
[[nodiscard]] std::string significant(double value);

/// "97.31 %" of 0.9731.
[[nodiscard]] std::string percent(double share);

/// "18.0k" of 18,028; "950"; "2.1M".
[[nodiscard]] std::string rate(double per_second);

/// "512 B", "38.1 KiB", "1.5 GiB".
[[nodiscard]] std::string byte_size(Index bytes);

/// "0:03.3", from ten minutes on "12:07", from an hour on "1:02:03".
[[nodiscard]] std::string duration(double seconds);
/// The same in whole seconds: "0:03".
[[nodiscard]] std::string whole_duration(double seconds);

/// "28x28x1"; a vector is its length alone: "10".
[[nodiscard]] std::string shape_text(const Shape& shape);
/// "10x1568"; "scalar" without dimensions.
[[nodiscard]] std::string shape_text(const std::vector<Index>& shape);

/// A figure of a loss in the form that fits it: "acc 97.31 %", "loss 0.2931".
[[nodiscard]] std::string metric_text(std::string_view name, double value);

/// Columns as wide as their widest cell, two spaces apart; `left[i]` aligns column i to the left.
/// Cells are made printable.
[[nodiscard]] std::string table(std::vector<std::vector<std::string>> rows,
                                const std::vector<bool>& left);

/// The argument as a shell takes it, quoted only if it must be; with characters that a terminal
/// would obey as $'...\x1b...'.
[[nodiscard]] std::string shell_quoted(const std::string& argument);

}  // namespace lockstep::cli
