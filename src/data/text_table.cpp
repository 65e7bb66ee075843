#include "data/text_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "data/byte_order_mark.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/base/printable.hpp"

namespace lockstep {
namespace {

constexpr std::string_view kLineEnds = "\r\n";

/// Without the blank lines at its end.
std::string_view without_blank_end(std::string_view text) {
  while (true) {
    const std::size_t last = text.find_last_not_of(kLineEnds);
    text = text.substr(0, last == std::string_view::npos ? 0 : last + 1);
    const std::size_t content = text.find_last_not_of(" \t");
    if (content == std::string_view::npos) return {};
    // What is behind the content of the last line may be empty fields.
    if (kLineEnds.find(text[content]) == std::string_view::npos) return text;
    text = text.substr(0, content);
  }
}

}  // namespace

std::string TableField::plain() const {
  std::string plain(text);
  if (!quoted) return plain;
  for (std::size_t at = 0; (at = plain.find("\"\"", at)) != std::string::npos; ++at)
    plain.erase(at, 1);
  return plain;
}

std::optional<double> TableField::number() const {
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  double number = 0.0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  if (stop != end || error == std::errc::invalid_argument) return std::nullopt;
  if (error != std::errc::result_out_of_range) return number;
  const std::size_t exponent = digits.find_first_of("eE");
  const bool tiny = exponent != std::string_view::npos && digits.substr(exponent + 1, 1) == "-";
  return tiny ? 0.0 : std::numeric_limits<double>::infinity();
}

TableReader::TableReader(const DataFile& file, std::optional<char> delimiter)
    : path_(&file.path),
      rest_(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()) {
  rest_ = without_byte_order_mark(rest_);
  rest_ = without_blank_end(rest_);
  // As spreadsheets write it and want it.
  constexpr std::string_view kNamed = "sep=";
  if (rest_.starts_with(kNamed) && rest_.size() > kNamed.size() + 1 &&
      kLineEnds.find(rest_[kNamed.size() + 1]) != std::string_view::npos) {
    if (!delimiter) delimiter = rest_[kNamed.size()];
    rest_.remove_prefix(kNamed.size() + 1);
    take_line_end();
  }
  delimiter_ = delimiter.value_or(guess_delimiter());
}

char TableReader::guess_delimiter() const {
  constexpr std::string_view kCandidates = "\t;,|";
  std::string_view text = rest_;
  while (text.starts_with('#')) {  // a comment
    text.remove_prefix(std::min(text.size(), text.find_first_of(kLineEnds)));
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(kLineEnds)));
  }
  std::size_t best = kCandidates.size();
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (kLineEnds.find(c) != std::string_view::npos) break;
    best = std::min(best, kCandidates.find(c));
  }
  return best < kCandidates.size() ? kCandidates[best] : ' ';
}

bool TableReader::next() {
  if (rest_.empty()) return false;
  line_ = next_line_;
  fields_.clear();
  while (true) {
    fields_.push_back(take_field());
    if (delimiter_ == ' ') skip_blanks();
    if (rest_.empty() || kLineEnds.find(rest_.front()) != std::string_view::npos) break;
    if (delimiter_ != ' ') rest_.remove_prefix(1);
  }
  if (!rest_.empty()) take_line_end();
  return true;
}

void TableReader::reject(std::size_t column, const std::string& reason) const {
  // What is quoted of the file may have anything in it, also zeros, which would end the message.
  throw Error(ExitCode::bad_data, fmt::format("{}:{}: column {}: {}", *path_, line_, column,
                                              printable_message(reason)));
}

bool TableReader::is_blank(char c) const { return c == ' ' || (c == '\t' && delimiter_ != '\t'); }

void TableReader::skip_blanks() {
  while (!rest_.empty() && is_blank(rest_.front())) rest_.remove_prefix(1);
}

void TableReader::take_line_end() {
  rest_.remove_prefix(rest_.starts_with("\r\n") ? 2 : 1);
  ++next_line_;
}

TableField TableReader::take_field() {
  skip_blanks();
  if (rest_.starts_with('"')) return take_quoted();
  const auto ends = [this](char c) {
    return c == '\n' || c == '\r' || (delimiter_ == ' ' ? is_blank(c) : c == delimiter_);
  };
  const auto length = static_cast<std::size_t>(std::ranges::find_if(rest_, ends) - rest_.begin());
  std::string_view text = rest_.substr(0, length);
  rest_.remove_prefix(length);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return {text};
}

TableField TableReader::take_quoted() {
  const std::size_t column = fields_.size() + 1;
  std::size_t end = rest_.find('"', 1);
  while (end != std::string_view::npos && rest_.substr(end + 1).starts_with('"')) {
    end = rest_.find('"', end + 2);
  }
  if (end == std::string_view::npos) reject(column, "expected a closing quote, found none");
  const TableField field{rest_.substr(1, end - 1), true};
  next_line_ += static_cast<std::size_t>(std::ranges::count(field.text, '\n'));
  rest_.remove_prefix(end + 1);
  const bool blank_follows = !rest_.empty() && is_blank(rest_.front());
  skip_blanks();
  const bool ends = rest_.empty() || kLineEnds.find(rest_.front()) != std::string_view::npos ||
                    (delimiter_ == ' ' ? blank_follows : rest_.front() == delimiter_);
  if (!ends) reject(column, "expected a delimiter after a closing quote");
  return field;
}

}  // namespace lockstep
