#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/config/config.hpp"
#include "lockstep/config/schema.hpp"

namespace lockstep::config {

/// The whole configuration as TOML, every value with a comment that tells its origin: default,
/// file:line or --set. Parsing it gives the same configuration.
[[nodiscard]] std::string resolved(const Config& config, const Catalogue& catalogue);

/// What decides the result of a run, as TOML: `resolved` without comments and without the
/// deployment keys. The same values give the same text, however they were given. Stored in
/// checkpoints; it parses.
[[nodiscard]] std::string identity(const Config& config, const Catalogue& catalogue);

/// Every value in its written form under the name that --set gives it, deployment keys included:
/// {"optimizer.lr", "0.1"}.
[[nodiscard]] std::map<std::string, std::string> values(const Config& config,
                                                        const Catalogue& catalogue);

/// The keys that two texts of `identity` do not have in common or with other values, as --set names
/// them: "optimizer.lr", "layer[2].out".
[[nodiscard]] std::vector<std::string> differing_keys(std::string_view one, std::string_view other);

/// What a section, type or key means: "optimizer", "layer.linear", "optimizer.momentum",
/// "layer.linear.out"; the list of sections if `path` is empty. A word without a dot finds the
/// types and keys of that name in all sections, or else the keys whose path or sentence contains
/// it.
/// Errors: Error(ExitCode::usage) for an unknown path, with the nearest known one.
[[nodiscard]] std::string explain(const Catalogue& catalogue, std::string_view path);
/// Every key of every section and type, a line each.
[[nodiscard]] std::string explain_all_keys(const Catalogue& catalogue);

/// JSON Schema (draft 2020-12) of the file, for editors.
[[nodiscard]] std::string json_schema(const Catalogue& catalogue);

/// A commented configuration to start from: an MLP on the digits that come with the sources.
[[nodiscard]] std::string starter();

}  // namespace lockstep::config
