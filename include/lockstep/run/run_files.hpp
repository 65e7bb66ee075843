#pragma once

namespace lockstep {

// What lies in the directory of a run, see src/run/FORMATS.md.

inline constexpr const char* kStatusFile = "STATUS";
inline constexpr const char* kConfigFile = "config.toml";
inline constexpr const char* kResolvedConfigFile = "config.resolved.toml";
inline constexpr const char* kManifestFile = "manifest.json";
inline constexpr const char* kMetricsFile = "metrics.jsonl";
inline constexpr const char* kLogFile = "log.txt";
inline constexpr const char* kCheckpointFolder = "checkpoints";

// In the folder of checkpoints: links to the best and the newest.
inline constexpr const char* kBestLink = "best.h5";
inline constexpr const char* kLatestLink = "latest.h5";

}  // namespace lockstep
