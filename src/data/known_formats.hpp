#pragma once

#include <string>

#include "lockstep/data/formats.hpp"

// Which format of the catalogue files are of.

namespace lockstep {

/// Errors: config for a name that is none.
[[nodiscard]] const Format& format_named(const std::string& name);

/// By content, then by extension.
/// Errors: bad_data.
[[nodiscard]] const Format& format_of(const DataFile& file);

/// The format with one file per sample of which a folder has files; null if it is no folder.
/// Errors: bad_data if its files are of several formats, no_input if of none.
[[nodiscard]] const Format* format_of_folder(const std::string& path);

/// Errors: bad_data if the file is plainly of another format.
void check_format(const Format& format, const DataFile& file);

/// Errors: config for a key of the source that means nothing to the format.
void check_keys(const Source& source, const Format& format);

[[nodiscard]] bool is_folder(const std::string& path);

}  // namespace lockstep
