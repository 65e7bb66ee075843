#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/base/types.hpp"

namespace lockstep {

/// The symbols of a text, numbered: all 256 bytes, or the characters that a training text has, in
/// the order of their code points. Empty by default: the data is no text.
class Vocabulary {
 public:
  Vocabulary() = default;
  /// All bytes: every file is a text of these.
  static Vocabulary bytes();
  /// The characters of a UTF-8 text called `name`.
  /// Errors: bad_data where it is no UTF-8.
  static Vocabulary of_text(std::string_view text, const std::string& name);
  /// From what `bytewise` and `code_points` gave.
  /// Errors: bad_data if it is no vocabulary.
  static Vocabulary stored(bool bytewise, std::vector<std::uint32_t> code_points);

  [[nodiscard]] bool empty() const { return symbols_.empty(); }
  [[nodiscard]] Index size() const { return static_cast<Index>(symbols_.size()); }
  [[nodiscard]] bool bytewise() const { return bytewise_; }
  [[nodiscard]] const std::vector<std::uint32_t>& code_points() const { return symbols_; }

  /// The numbers of the symbols of a text called `name`.
  /// Errors: bad_data with line and column of the first symbol that is not among these.
  [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text,
                                                 const std::string& name) const;
  /// The text of one symbol: a byte, or a character in UTF-8.
  [[nodiscard]] std::string decode(std::int32_t symbol) const;

  friend bool operator==(const Vocabulary&, const Vocabulary&) = default;

 private:
  bool bytewise_ = false;
  std::vector<std::uint32_t> symbols_;  ///< sorted
};

}  // namespace lockstep
