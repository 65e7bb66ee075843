#pragma once

#include <string>
#include <vector>

#include "lockstep/base/types.hpp"
#include "lockstep/data/normalization.hpp"

namespace lockstep {

/// Looks at numbers that are to be stored as floats, which hold 24 binary digits: what must be
/// taken off first so that few are lost, and whether too many are. Numbers come in rows that repeat
/// their channels, each with `run` numbers in a row before the next one.
class DigitWatch {
 public:
  explicit DigitWatch(Index channels, Index run = 1);

  /// The next number; one that is not finite counts nothing, for it will be refused.
  void add(double number);

  /// One number per channel, in the middle of its numbers, with few digits of its own: 0 unless
  /// floats do not hold the channel exactly and all its numbers lie within 1/256 of the largest.
  /// Empty if all are 0.
  [[nodiscard]] std::vector<double> offsets() const;

  /// What becomes of `channel` if `offset` is taken off: "60 different values become 1", counted in
  /// its first numbers; empty unless more than a tenth of its different values are lost.
  [[nodiscard]] std::string loss(std::size_t channel, double offset) const;
  /// True if the channel has numbers above 2^53, beyond which not even doubles hold all integers.
  [[nodiscard]] bool huge(std::size_t channel) const;
  [[nodiscard]] std::size_t channels() const { return channels_.size(); }

 private:
  struct Channel {
    double low = 0, high = 0;
    bool any = false;
    bool exact = true;          ///< floats hold all its numbers
    std::vector<double> first;  ///< its first numbers
  };

  std::vector<Channel> channels_;
  std::size_t run_;
  std::size_t next_ = 0;  ///< the channel of the next number
  std::size_t done_ = 0;  ///< numbers of its run that were there
};

/// What the numbers are, for messages.
struct DigitSubject {
  std::string path;
  std::vector<std::string> names{};  ///< of the channels; may be empty
  std::string key;                   ///< data.normalize or data.normalize_targets
  bool integers = false;             ///< numbers are integers where they are whole
};

/// Sentences about channels that lose digits if `taken` is taken off.
[[nodiscard]] std::vector<std::string> digit_notes(const DigitWatch& watch,
                                                   const std::vector<double>& taken,
                                                   const DigitSubject& subject);

}  // namespace lockstep
