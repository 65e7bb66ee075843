#pragma once

#include <string>
#include <string_view>

// Text from outside, such as names from files of strangers, as a terminal may show it: nothing in
// it is obeyed as a command of the terminal, and nothing pretends to be a line of ours.

namespace lockstep {

/// UTF-8 as it is, but for what a terminal obeys or hides: control characters, also those of two
/// bytes (U+0080 to U+009F), DEL, line and paragraph separators, characters that change the
/// direction of writing, and bytes that are no UTF-8. These become \n, \t, \r, \x1b of a byte, or
/// \u202e of a character.
[[nodiscard]] std::string printable(std::string_view text);

/// The same, but line breaks and tabs stay.
[[nodiscard]] std::string printable_lines(std::string_view text);

/// A message of ours, whose lines after the first are indented by two spaces: any other line break
/// came with a name in it and becomes \n.
[[nodiscard]] std::string printable_message(std::string_view text);

/// Whether a text has control characters: a name of classes or columns has none, for a line break
/// would make two of it, and others command a terminal.
[[nodiscard]] bool has_controls(std::string_view text);

/// What is seen of a text whoever looks at it, to compare names by: without blanks and characters
/// that are not seen, and small letters for large ones (Latin, Greek, Cyrillic).
[[nodiscard]] std::string seen_letters(std::string_view text);

/// The beginning of the text that is complete: without the first bytes of a last character whose
/// others are yet to come.
[[nodiscard]] std::string_view whole_characters(std::string_view text);

/// JSON whose strings hold no such character as it is, but escaped, \u009b, which says the same.
[[nodiscard]] std::string printable_json(std::string_view json);

}  // namespace lockstep
