#include "config/excerpt.hpp"

#include <algorithm>

namespace lockstep::config {
namespace {

constexpr std::size_t kWidth = 100;  ///< characters of a source line that are shown
constexpr std::size_t kBefore = 40;  ///< of them before the spot, in a line that is cut

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// Whether the bytes are one UTF-8 character that a terminal shows and does not obey.
bool is_printable(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character.front());
  if (character.size() == 1) return lead >= 0x20 && lead < 0x7f;
  const bool c1_control = lead == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
  if (character.size() == 2) return lead >= 0xC2 && lead < 0xE0 && !c1_control;
  if (character.size() == 3) return lead >= 0xE0 && lead < 0xF0;
  return character.size() == 4 && lead >= 0xF0 && lead < 0xF5;
}

}  // namespace

Lines::Lines(std::string file, std::string_view text) : file_(std::move(file)), text_(text) {
  std::replace_if(
      file_.begin(), file_.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, '?');
  lines_.push_back(0);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 0 || !continues_character(text[i])) characters_.push_back(i);
    if (text[i] == '\n') lines_.push_back(characters_.size());
  }
  characters_.push_back(text.size());
  lines_.push_back(characters_.size());
}

Place Lines::whole() const {
  Place place;
  place.origin = Place::Origin::file;
  place.label = file_;
  return place;
}

Place Lines::place(const Region& region) const {
  Place place = whole();
  const auto line = static_cast<std::size_t>(region.line);
  if (region.line <= 0 || line >= lines_.size()) return place;
  const std::size_t begin = lines_[line - 1];
  std::size_t end = lines_[line] - 1;  // without the line break, or the end of the text
  if (end > begin && text_[characters_[end - 1]] == '\r') --end;

  const auto column = static_cast<std::size_t>(std::max<Index>(region.column, 1)) - 1;
  const std::size_t spot = std::min(begin + column, end);
  const bool one_line = region.end_line == region.line && region.end_column > region.column;
  const std::size_t stop =
      region.end_line > region.line ? end
      : one_line ? std::min(spot + static_cast<std::size_t>(region.end_column - region.column), end)
                 : spot + 1;
  const std::size_t first = spot - begin < kWidth - kBefore ? begin : spot - kBefore;
  const std::size_t last = std::min(end, first + kWidth);

  const std::string before = first > begin ? "..." : "";
  place.line = region.line;
  place.column = std::max<Index>(region.column, 1);
  place.excerpt = before + printable(first, last) + (last < end ? "..." : "");
  place.caret = static_cast<Index>(before.size() + spot - first);
  const std::size_t width = std::min(stop, last) > spot ? std::min(stop, last) - spot : 1;
  place.width = static_cast<Index>(width);
  return place;
}

std::string Lines::printable(std::size_t first, std::size_t last) const {
  std::string out;
  for (std::size_t i = first; i < last; ++i) {
    const std::string_view character =
        text_.substr(characters_[i], characters_[i + 1] - characters_[i]);
    if (character == "\t") {
      out += ' ';
    } else if (is_printable(character)) {
      out += character;
    } else {
      out += '?';
    }
  }
  return out;
}

}  // namespace lockstep::config
