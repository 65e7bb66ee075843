#pragma once

#include <string>

#include "config/document.hpp"
#include "config/problems.hpp"
#include "lockstep/config/config.hpp"

namespace lockstep::config {

// What no key can say alone.

/// The name of a run whose configuration is `file`: its stem, with '_' for what a directory name
/// should not have.
[[nodiscard]] std::string run_name(const std::string& file);

/// Exactly one of epochs and steps; a name that is safe as that of a directory.
void check_run(const Document& document, const Config& config, Problems& problems);

/// mean and std together, equally long, and not with normalize.
void check_normalization(const Document& document, const Config& config, Problems& problems);

/// No more microbatches than samples in a batch.
void check_microbatches(const Document& document, const Config& config, Problems& problems);

/// What says how to stop needs the key that says when.
void check_stop(const Document& document, Problems& problems);

/// Only rollback lowers the rate, and it needs checkpoints at steps that do not depend on the time.
void check_divergence(const Document& document, const Config& config, Problems& problems);

/// Audits come after so many steps, not after a time.
void check_audit(const Document& document, const Config& config, Problems& problems);

/// At least one layer; names that are identifiers, differ, and are not kInputName.
void check_layers(const Document& document, const Config& config, Problems& problems);

/// Every layer takes outputs of earlier ones, each once, and every output but the last is taken.
void check_graph(const Document& document, const Config& config, Problems& problems);

}  // namespace lockstep::config
