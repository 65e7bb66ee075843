#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep::cli {

/// Checks that a command may write this file, before it does any work.
/// Errors: Error(cannot_create) if it exists, unless to be replaced by `force`, if it is no regular
/// file, or, however its path is spelled, one of what the command reads: files, folders and
/// patterns of data, or "" for nothing; Error(usage) for -, which elsewhere is standard output.
void check_output(const std::string& file, bool force, const std::vector<std::string>& inputs);

/// Checks that the name of a file does not promise another format than the one that `command`
/// writes, `what`, to which `own` suffixes belong. Names without a suffix, or with one that is no
/// format's, are fine.
/// Errors: Error(usage).
void check_suffix(const std::string& file, std::string_view command, std::string_view what,
                  std::initializer_list<std::string_view> own);

}  // namespace lockstep::cli
