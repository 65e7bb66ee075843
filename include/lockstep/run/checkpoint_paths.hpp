#pragma once

#include <string>
#include <string_view>

namespace lockstep {

// Where things lie in a checkpoint, see src/run/FORMATS.md.

inline const std::string kRootGroup = "/";
inline const std::string kConfigGroup = "/config";
inline const std::string kModelGroup = "/model";
inline const std::string kOptimizerGroup = "/optimizer";
inline const std::string kScheduleGroup = "/schedule";
inline const std::string kRngGroup = "/rng";
inline const std::string kSamplerGroup = "/sampler";
inline const std::string kDataGroup = "/data";
inline const std::string kProgressGroup = "/progress";
inline const std::string kHistoryGroup = "/history";
inline const std::string kDigestGroup = "/digest";

/// Of a slot of the optimizer.
[[nodiscard]] inline std::string slot_group(std::string_view slot) {
  return kOptimizerGroup + "/" + std::string(slot);
}

inline const std::string kResolvedPath = "/config/resolved";
inline const std::string kGraphPath = "/config/graph";
inline const std::string kClassNamesPath = "/data/class_names";
inline const std::string kVocabularyPath = "/data/vocabulary";
inline const std::string kInputNamesPath = "/data/input_names";
inline const std::string kTargetNamesPath = "/data/target_names";
/// Before "mean", "inverse_std" and "offset".
inline const std::string kInputPrefix = "/data/input_";
inline const std::string kTargetPrefix = "/data/target_";

}  // namespace lockstep
