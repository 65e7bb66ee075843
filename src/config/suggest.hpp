#pragma once

#include <span>
#include <string>
#include <string_view>

namespace lockstep::config {

/// Whether one of them, of three letters or more, begins the other: pad and "padding".
[[nodiscard]] bool begin_alike(std::string_view a, std::string_view b);

/// The known name that `name` was probably meant to be; empty if none is near. Near: few edits
/// apart ("momentun"), its initials ("learning_rate", lr), one of its words ("batch_size", batch),
/// or one that begins with the other ("padding", pad; "optim", optimizer).
[[nodiscard]] std::string nearest(std::string_view name, std::span<const std::string> known);

/// "did you mean 'lr'?", or the list of what is known.
[[nodiscard]] std::string suggestion(std::string_view name, std::span<const std::string> known);

/// The names with `separator` between them.
[[nodiscard]] std::string joined(std::span<const std::string> names, std::string_view separator);

/// A name from the input, safe to print: control characters escaped, and cut after 60 bytes.
[[nodiscard]] std::string shown(std::string_view name);

}  // namespace lockstep::config
