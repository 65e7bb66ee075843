#pragma once

#include <string_view>

namespace lockstep {

// Options of update rules; each check names the rule, the option, what was found and what is usual.
// Errors: Error(config).

/// In [0, 1).
void check_share(std::string_view rule, std::string_view option, double value,
                 std::string_view usual);
/// Above 0 and finite.
void check_positive(std::string_view rule, std::string_view option, double value,
                    std::string_view usual);
void check_weight_decay(std::string_view rule, double value);

}  // namespace lockstep
