#include "lockstep/train/checkpoint_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "lockstep/comm/agreement.hpp"
#include "lockstep/io/atomic_file.hpp"
#include "lockstep/io/file.hpp"

namespace lockstep {
namespace {

constexpr std::string_view kPrefix = "step-";
constexpr std::string_view kSuffix = ".h5";

std::optional<std::uint64_t> step_of(std::string_view name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  name = name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
  std::uint64_t step = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), step);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return step;
}

}  // namespace

StoredCheckpoint read_checkpoint(const std::filesystem::path& path) {
  StoredCheckpoint stored{path, read_file(path), {}};
  stored.sealed = unseal(stored.bytes, path.string());
  return stored;
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
  together(world,
           [&] { checkpoint->sealed = unseal(checkpoint->bytes, checkpoint->path.string()); });
}

CheckpointStore::CheckpointStore(std::filesystem::path directory, Index keep)
    : directory_(std::move(directory)), keep_(keep) {}

std::string CheckpointStore::file_name(std::uint64_t step) {
  return fmt::format("{}{:08}{}", kPrefix, step, kSuffix);
}

std::vector<CheckpointStore::Entry> CheckpointStore::newest_first() const {
  std::vector<Entry> entries;
  for (const std::string& name : names_in(directory_)) {
    const auto step = step_of(name);
    std::error_code gone;
    if (step && !std::filesystem::is_symlink(directory_ / name, gone)) {
      entries.push_back({*step, directory_ / name});
    }
  }
  std::ranges::sort(entries, std::greater{}, &Entry::step);
  return entries;
}

std::optional<StoredCheckpoint> CheckpointStore::newest(std::vector<std::string>& rejected,
                                                        std::uint64_t every) const {
  for (const Entry& entry : newest_first()) {
    if (entry.step % every != 0) continue;
    try {
      StoredCheckpoint stored = read_checkpoint(entry.path);
      if (stored.sealed.step == entry.step) return stored;
      rejected.push_back(fmt::format("{}: named after step {}, but holds step {}",
                                     entry.path.string(), entry.step, stored.sealed.step));
    } catch (const Error& error) {
      rejected.emplace_back(error.what());
    }
  }
  if (rejected.empty()) return std::nullopt;
  throw Error(
      ExitCode::bad_data,
      fmt::format("no intact checkpoint in {}\n  {}\n  to start afresh, use another --run-dir",
                  directory_.string(), fmt::join(rejected, "\n  ")));
}

std::optional<std::uint64_t> CheckpointStore::newest_step() const {
  const std::vector<Entry> entries = newest_first();
  return entries.empty() ? std::nullopt : std::optional(entries.front().step);
}

void CheckpointStore::set_aside_after(std::uint64_t step) const {
  for (const Entry& entry : newest_first()) {
    if (entry.step <= step) continue;
    std::error_code error;
    std::filesystem::rename(entry.path, entry.path.string() + ".aside", error);
    if (error) {
      throw Error(ExitCode::cannot_create,
                  fmt::format("{}: cannot be renamed: {}", entry.path.string(), error.message()));
    }
  }
}

bool CheckpointStore::holds(std::uint64_t step) const {
  return std::filesystem::exists(directory_ / file_name(step));
}

std::filesystem::path CheckpointStore::save(std::uint64_t step, std::span<const std::byte> image,
                                            std::optional<std::uint64_t> best_step,
                                            std::uint64_t every,
                                            const PieceDone& piece_done) const {
  const std::filesystem::path path = directory_ / file_name(step);
  const Seal seal = seal_of(image, step);
  write_atomically(path, {image, seal}, piece_done);
  try {
    if (!holds_exactly(path, {image, seal}, piece_done)) {
      throw Error(ExitCode::io, path.string() + ": was not read back as it was written");
    }
  } catch (const Error&) {
    std::error_code ignored;  // the reason of the failure counts
    std::filesystem::remove(path, ignored);
    throw;
  }
  prune(step, best_step, every);
  return path;
}

void CheckpointStore::prune(std::uint64_t saved_step, std::optional<std::uint64_t> best_step,
                            std::uint64_t every) const {
  // If the best one could not be saved, the link still leads to the one before.
  if (best_step && !holds(*best_step)) {
    std::error_code none;
    best_step = step_of(std::filesystem::read_symlink(directory_ / "best.h5", none).string());
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
    std::error_code ignored;  // one file too many does no harm
    std::filesystem::remove(entry.path, ignored);
  }
}

}  // namespace lockstep
