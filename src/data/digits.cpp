#include "data/digits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "data/number_array.hpp"

namespace lockstep {
namespace {

/// A range below this part of the largest number makes an offset worth while.
constexpr double kNarrow = 1.0 / 256;
/// Numbers of each channel that are compared with each other.
constexpr std::size_t kCompared = 1024;
/// Channels of which some are kept: more are no table.
constexpr std::size_t kMostChannels = 4096;
constexpr double kMostExact = 9007199254740992.0;  // 2^53

template <typename T>
std::size_t different(std::vector<T> values) {
  std::ranges::sort(values);
  return static_cast<std::size_t>(std::unique(values.begin(), values.end()) - values.begin());
}

}  // namespace

DigitWatch::DigitWatch(Index channels, Index run)
    : channels_(static_cast<std::size_t>(channels)), run_(static_cast<std::size_t>(run)) {}

void DigitWatch::add(double number) {
  Channel& c = channels_[next_];
  if (++done_ == run_) {
    done_ = 0;
    next_ = next_ + 1 == channels_.size() ? 0 : next_ + 1;
  }
  if (!std::isfinite(number)) return;
  c.low = c.any ? std::min(c.low, number) : number;
  c.high = c.any ? std::max(c.high, number) : number;
  c.any = true;
  c.exact = c.exact && static_cast<double>(to_float(number)) == number;
  if (channels_.size() <= kMostChannels && c.first.size() < kCompared) c.first.push_back(number);
}

std::vector<double> DigitWatch::offsets() const {
  std::vector<double> offsets;
  for (const Channel& c : channels_) {
    const double range = c.high - c.low;
    const bool narrow = range < kNarrow * std::max(std::abs(c.low), std::abs(c.high));
    double offset = 0;
    if (!c.exact && narrow) {
      // A multiple of a power of two a few times smaller than the range: numbers less the offset
      // are exact in double (Sterbenz 1974), and more numbers of the same kind give the same
      // offset.
      const double middle = c.low + range / 2;
      const double unit = range == 0 ? 0 : std::ldexp(1.0, std::ilogb(range) - 2);
      offset = unit == 0 ? middle : std::nearbyint(middle / unit) * unit;
    }
    offsets.push_back(offset);
  }
  if (std::ranges::all_of(offsets, [](double o) { return o == 0; })) offsets.clear();
  return offsets;
}

std::string DigitWatch::loss(std::size_t channel, double offset) const {
  const Channel& c = channels_[channel];
  if (c.exact) return {};
  std::vector<float> floats;
  for (const double number : c.first) floats.push_back(to_float(number - offset));
  const std::size_t before = different(c.first), after = different(floats);
  if (10 * after >= 9 * before) return {};
  return fmt::format("{} different values become {}", before, after);
}

bool DigitWatch::huge(std::size_t channel) const {
  const Channel& c = channels_[channel];
  return std::max(std::abs(c.low), std::abs(c.high)) > kMostExact;
}

std::vector<std::string> digit_notes(const DigitWatch& watch, const std::vector<double>& taken,
                                     const DigitSubject& subject) {
  constexpr std::size_t kMostTold = 3;
  const std::vector<double> advised = watch.offsets();
  std::vector<std::string> notes;
  std::size_t untold = 0;
  const auto tell = [&](std::size_t c, const std::string& what) {
    if (notes.size() == kMostTold) return static_cast<void>(++untold);
    const std::string name =
        c < subject.names.size() ? fmt::format(" (\"{}\")", subject.names[c]) : "";
    notes.push_back(
        fmt::format("{}: digits are lost in column {}{}: {}", subject.path, c, name, what));
  };
  for (std::size_t c = 0; c < watch.channels(); ++c) {
    const double offset = c < taken.size() ? taken[c] : 0;
    const bool helps = offset == 0 && c < advised.size() && advised[c] != 0;
    if (const std::string loss = watch.loss(c, offset); !loss.empty()) {
      tell(c, fmt::format("{} as 32-bit floats; {}", loss,
                          helps ? subject.key + " = \"standard\" keeps them"
                                : "take off what they have in common, or change their unit"));
    } else if (subject.integers && watch.huge(c)) {
      tell(c,
           "whole numbers beyond 2^53 are rounded; if they only name something, take the column "
           "out");
    }
  }
  if (untold > 0) notes.back() += fmt::format("; so it is in {} more columns", untold);
  return notes;
}

}  // namespace lockstep
