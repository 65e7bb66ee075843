#include "lockstep/run/checkpoint_store.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "lockstep/base/file_kind.hpp"
#include "lockstep/comm/agreement.hpp"
#include "lockstep/io/atomic_file.hpp"
#include "lockstep/io/file.hpp"
#include "lockstep/run/run_files.hpp"

namespace lockstep {
namespace {

constexpr std::string_view kPrefix = "step-";
constexpr std::string_view kSuffix = ".h5";
constexpr std::size_t kHead = std::size_t{1} << 16;  ///< bytes that tell what a file is
/// More than any run can have made: a file of such a name is no checkpoint of ours.
constexpr std::uint64_t kMostSteps = std::uint64_t{1} << 53;

std::optional<std::uint64_t> step_of(std::string_view name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  name = name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
  std::uint64_t step = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), step);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  if (step > kMostSteps) return std::nullopt;
  return step;
}

// The best checkpoint of a run, or the newest that can be read.
StoredCheckpoint best_in(const std::filesystem::path& directory) {
  const std::filesystem::path below = directory / kCheckpointFolder;
  const std::filesystem::path folder = file_exists(below) ? below : directory;
  std::vector<std::string> rejected;
  if (const auto best = folder / kBestLink; file_exists(best)) {
    try {
      return read_checkpoint(best);
    } catch (const Error& error) {
      rejected.emplace_back(error.what());
    }
  }
  if (auto newest = CheckpointStore(Directory(folder), 1).newest(rejected)) {
    for (const std::string& reason : rejected) newest->notes.push_back("passed over " + reason);
    return std::move(*newest);
  }
  throw Error(ExitCode::no_input,
              fmt::format("{}: the directory has no checkpoint: expected that of a run, with "
                          "checkpoints/best.h5 or checkpoints/step-NNNNNNNN.h5",
                          directory.string()));
}

// A line about a file that is no checkpoint, if it can be told what it is.
std::string what_instead(const std::filesystem::path& path) {
  std::vector<std::byte> head(kHead);
  static_cast<void>(look_into_file(path, head));
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  if (is_hdf5(head) || path.extension() == ".safetensors") {
    return "\n  weights of another program become a checkpoint by: trainer import FILE --config "
           "CONFIG --out CHECKPOINT";
  }
  if (text.find("[[layer]]") != std::string_view::npos) {
    return fmt::format("\n  it is a configuration; its checkpoints are made by: trainer train {}",
                       path.string());
  }
  return "";
}

}  // namespace

StoredCheckpoint read_checkpoint(const std::filesystem::path& path) {
  StoredCheckpoint stored{path, read_sealed_file(path), {}, {}};
  stored.sealed = unseal(stored.bytes, path.string());
  return stored;
}

StoredCheckpoint read_checkpoint(const Directory& directory, const std::string& name) {
  StoredCheckpoint stored{directory.path() / name, read_sealed_file(directory, name), {}, {}};
  stored.sealed = unseal(stored.bytes, stored.path.string());
  return stored;
}

StoredCheckpoint find_checkpoint(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return best_in(path);
  try {
    return read_checkpoint(path);
  } catch (const Error& failure) {
    const std::string message = failure.what();
    if (message.find(kNoSeal) == std::string::npos) throw;
    throw Error(failure.code(), message + what_instead(path));
  }
}

void broadcast_checkpoint(const Communicator& world, std::optional<StoredCheckpoint>& checkpoint) {
  bool found = checkpoint.has_value();
  world.broadcast(std::as_writable_bytes(std::span(&found, 1)), 0);
  if (!found) return;
  if (!checkpoint) checkpoint.emplace();
  std::uint64_t size = checkpoint->bytes.size();
  world.broadcast(std::as_writable_bytes(std::span(&size, 1)), 0);
  checkpoint->path = broadcast_text(world, checkpoint->path.string());
  checkpoint->bytes.resize(size);
  world.broadcast(checkpoint->bytes, 0);
  fail_together(world,
                [&] { checkpoint->sealed = unseal(checkpoint->bytes, checkpoint->path.string()); });
}

CheckpointStore::CheckpointStore(Directory directory, Index keep)
    : directory_(std::move(directory)), keep_(keep) {}

std::string CheckpointStore::file_name(std::uint64_t step) {
  return fmt::format("{}{:08}{}", kPrefix, step, kSuffix);
}

std::vector<CheckpointStore::Entry> CheckpointStore::newest_first() const {
  std::vector<Entry> entries;
  for (const std::string& name : directory_.names()) {
    const auto step = step_of(name);
    if (step && !directory_.link_target(name)) entries.push_back({*step, name});
  }
  std::ranges::sort(entries, std::greater{}, &Entry::step);
  return entries;
}

std::optional<StoredCheckpoint> CheckpointStore::newest(std::vector<std::string>& rejected,
                                                        std::uint64_t every) const {
  for (const Entry& entry : newest_first()) {
    if (entry.step % every != 0) continue;
    try {
      StoredCheckpoint stored = read_checkpoint(directory_, entry.name);
      if (stored.sealed.step == entry.step) return stored;
      rejected.push_back(fmt::format("{}: named after step {}, but holds step {}",
                                     stored.path.string(), entry.step, stored.sealed.step));
    } catch (const Error& error) {
      rejected.emplace_back(error.what());
    }
  }
  if (rejected.empty()) return std::nullopt;
  throw Error(
      ExitCode::bad_data,
      fmt::format("no intact checkpoint in {}\n  {}\n  to start afresh, use another --run-dir",
                  directory_.path().string(), fmt::join(rejected, "\n  ")));
}

std::optional<std::uint64_t> CheckpointStore::newest_step() const {
  const std::vector<Entry> entries = newest_first();
  return entries.empty() ? std::nullopt : std::optional(entries.front().step);
}

void CheckpointStore::set_aside_after(std::uint64_t step) const {
  for (const Entry& entry : newest_first()) {
    if (entry.step > step) directory_.rename(entry.name, name_aside(entry.name));
  }
}

// A run may come back more than once, each time on another way.
std::string CheckpointStore::name_aside(const std::string& name) const {
  std::string aside = name + ".aside";
  for (int i = 2; directory_.holds(aside); ++i) aside = fmt::format("{}.aside-{}", name, i);
  return aside;
}

bool CheckpointStore::holds(std::uint64_t step) const { return directory_.holds(file_name(step)); }

std::filesystem::path CheckpointStore::save(std::uint64_t step, std::span<const std::byte> image,
                                            std::optional<std::uint64_t> best_step,
                                            std::uint64_t every,
                                            const PieceDone& piece_done) const {
  const std::string name = file_name(step);
  const std::filesystem::path path = directory_.path() / name;
  const Seal seal = seal_of(image, step);
  write_atomically(directory_, name, {image, seal}, piece_done);
  try {
    if (!holds_exactly(directory_, name, {image, seal}, piece_done)) {
      throw Error(ExitCode::io, path.string() + ": was not read back as it was written");
    }
  } catch (const Error&) {
    ::unlinkat(directory_.descriptor(), name.c_str(), 0);  // the reason of the failure counts
    throw;
  }
  try {
    prune(step, best_step, every);
  } catch (const Error&) {  // cannot be listed this time; the file is complete all the same
  }
  return path;
}

void CheckpointStore::prune(std::uint64_t saved_step, std::optional<std::uint64_t> best_step,
                            std::uint64_t every) const {
  // If the best one could not be saved, the link still leads to the one before.
  if (best_step && !holds(*best_step)) {
    best_step = step_of(directory_.link_target(kBestLink).value_or(""));
  }
  Index kept = 0;
  bool has_multiple = false;
  for (const Entry& entry : newest_first()) {
    const bool first_multiple = !has_multiple && entry.step % every == 0;
    has_multiple = has_multiple || first_multiple;
    if (kept < keep_ || entry.step == best_step || entry.step == saved_step || first_multiple) {
      ++kept;
      continue;
    }
    // One file too many does no harm.
    ::unlinkat(directory_.descriptor(), entry.name.c_str(), 0);
  }
}

}  // namespace lockstep
