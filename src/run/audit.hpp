#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lockstep/train/trainer.hpp"

namespace lockstep {

/// What the evidence of all ranks says: nothing if all is well, else a sentence that names ranks
/// and hosts. What most ranks have is taken for right; of equally many, what the lowest rank has.
[[nodiscard]] std::optional<std::string> disagreement_of(std::span<const AuditRecord> evidence,
                                                         std::span<const std::string> hosts);

/// The sentence for ranks whose parameters or optimizer state were changed by something else than
/// an update.
[[nodiscard]] std::string changed_in_memory(std::span<const int> ranks,
                                            std::span<const std::string> hosts);

}  // namespace lockstep
