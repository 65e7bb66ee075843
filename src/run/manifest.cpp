#include "lockstep/run/manifest.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "lockstep/base/instruction_set.hpp"
#include "lockstep/base/printable.hpp"
#include "lockstep/comm/environment.hpp"
#include "lockstep/io/atomic_file.hpp"
#include "lockstep/io/file.hpp"
#include "lockstep/io/libraries.hpp"
#include "lockstep/kernels/linear.hpp"
#include "lockstep/run/run_files.hpp"
#include "lockstep/run/version.hpp"

namespace lockstep {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kManifestFormat = "lockstep-manifest";
constexpr int kManifestVersion = 1;
constexpr Index kMaxBytes = Index{64} << 20;

/// Variables that change what runs or where; the rest of the environment is nobody's business.
constexpr std::array<std::string_view, 4> kPrefixes = {"OMP_", "OMPI_MCA_", "SLURM_JOB_",
                                                       "LOCKSTEP_"};

Json relevant_environment() {
  std::map<std::string, std::string> found;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    const bool relevant = std::any_of(kPrefixes.begin(), kPrefixes.end(),
                                      [&](std::string_view p) { return text.starts_with(p); });
    if (relevant && equals != std::string_view::npos) {
      found.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return found;
}

Json build() {
  const BuildInfo info = build_info();
  return {{"version", info.version},       {"commit", info.commit},
          {"dirty", info.dirty},           {"compiler", info.compiler},
          {"build_type", info.build_type}, {"instruction_sets", instruction_sets()},
          {"sanitizers", info.sanitizers}};
}

Json libraries() {
  return {{"mpi", mpi_library()},
          {"hdf5", hdf5_library()},
          {"zlib", zlib_library()},
          {"products", kernels::kernel_name()}};
}

Json places(const std::vector<RankPlace>& ranks) {
  Json list = Json::array();
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    const RankPlace& place = ranks[rank];
    list.push_back({{"rank", rank},
                    {"node", place.node},
                    {"cpus", place.cpus},
                    {"instruction_set", place.instruction_set}});
  }
  return list;
}

Json to_json(const ManifestSegment& segment) {
  return {{"first_step", segment.first_step}, {"last_step", segment.last_step},
          {"seconds", segment.seconds},       {"ranks", segment.ranks},
          {"threads", segment.threads},       {"status", segment.status},
          {"reason", segment.reason}};
}

ManifestSegment from_json(const Json& json) {
  ManifestSegment segment;
  json.at("first_step").get_to(segment.first_step);
  json.at("last_step").get_to(segment.last_step);
  json.at("seconds").get_to(segment.seconds);
  json.at("ranks").get_to(segment.ranks);
  json.at("threads").get_to(segment.threads);
  json.at("status").get_to(segment.status);
  json.at("reason").get_to(segment.reason);
  if (segment.status == "running") {
    segment.status = "failed";
    segment.reason = "the process ended without saying why (killed?)";
  }
  return segment;
}

std::vector<ManifestSegment> read_segments(const Directory& directory) {
  std::vector<ManifestSegment> segments;
  if (!directory.holds(kManifestFile)) return segments;
  const std::vector<std::byte> bytes = read_file(directory, kManifestFile, kMaxBytes);
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  try {
    const Json json = Json::parse(text, text + bytes.size());
    for (const Json& segment : json.at("segments")) segments.push_back(from_json(segment));
  } catch (const Json::exception& error) {
    throw Error(ExitCode::bad_data,
                fmt::format("{} is not a manifest: {}\n  move it away to go on without the history "
                            "of this run",
                            (directory.path() / kManifestFile).string(), error.what()));
  }
  return segments;
}

}  // namespace

Manifest::Manifest(const Directory& directory, ManifestFacts facts, std::uint64_t first_step)
    : directory_(directory), facts_(std::move(facts)), segments_(read_segments(directory)) {
  segments_.push_back({.first_step = first_step,
                       .last_step = first_step,
                       .ranks = static_cast<int>(facts_.ranks.size()),
                       .threads = facts_.threads,
                       .status = "running"});
  write();
}

void Manifest::end(const RunEnd& end) {
  ManifestSegment& segment = segments_.back();
  segment.last_step = end.step;
  segment.seconds = end.seconds;
  segment.status = end.status;
  segment.reason = end.reason;
  write();
}

void Manifest::write() const {
  std::set<std::string> nodes;
  for (const RankPlace& place : facts_.ranks) nodes.insert(place.node);
  Json json = {{"format", kManifestFormat},
               {"format_version", kManifestVersion},
               {"command_line", facts_.command_line},
               {"lockstep", build()},
               {"libraries", libraries()},
               {"cpu", processor_name()},
               {"ranks", facts_.ranks.size()},
               {"threads", facts_.threads},
               {"nodes", nodes},
               {"places", places(facts_.ranks)},
               {"environment", relevant_environment()},
               {"data_digests", facts_.data_digests},
               {"segments", Json::array()}};
  for (const ManifestSegment& segment : segments_) json["segments"].push_back(to_json(segment));
  // Paths and variables need not be UTF-8.
  const std::string text =
      printable_json(json.dump(2, ' ', false, Json::error_handler_t::replace)) + "\n";
  write_atomically(directory_, kManifestFile, {std::as_bytes(std::span(text))});
}

std::string affinity_list() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0) return {};
  std::string list;
  for (int first = 0; first < CPU_SETSIZE; ++first) {
    if (!CPU_ISSET(first, &cpus)) continue;
    int last = first;
    while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, &cpus)) ++last;
    if (!list.empty()) list += ',';
    list += first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last);
    first = last;
  }
  return list;
}

}  // namespace lockstep
