#pragma once

#include <span>
#include <string>

#include "lockstep/config/config.hpp"
#include "lockstep/config/schema.hpp"

namespace lockstep::config {

/// Larger files are refused.
inline constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;

/// A configuration file as read: the name for messages, and its bytes.
struct Source {
  std::string file;
  std::string text;
};

/// A value from the command line that wins over the file and over earlier overrides.
struct Override {
  std::string
      assignment;  ///< KEY=VALUE: run.seed=7, optimizer.lr=0.1, layer.fc1.out=64, layer[0].out=64
  std::string option = "--set";  ///< the option that said it
};

/// Reads a file from disk.
/// Errors: Error(no_input) if it cannot be read, Error(config) if it is larger than
/// kMaxConfigBytes.
[[nodiscard]] Source read_source(const std::string& path);

/// The configuration in `source`, changed by `overrides` in their order, checked against the fixed
/// keys and the catalogue. VALUE is in TOML syntax; a bare word is taken as text.
/// Errors: one Error(ExitCode::config) that shows every problem, in the order of the file.
[[nodiscard]] Config parse(const Source& source, std::span<const Override> overrides,
                           const Catalogue& catalogue);

/// The configuration that a checkpoint holds, the text of `identity`. What it says of the network,
/// its loss and its data is checked as by `parse`; what it asks of training alone, such as where a
/// rollback goes back to, was judged when the run began, with keys that are left out here.
/// Errors: Error(ExitCode::config).
[[nodiscard]] Config parse_identity(const Source& source, const Catalogue& catalogue);

}  // namespace lockstep::config
