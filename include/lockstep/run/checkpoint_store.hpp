#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/base/types.hpp"
#include "lockstep/comm/communicator.hpp"
#include "lockstep/io/directory.hpp"
#include "lockstep/io/file.hpp"
#include "lockstep/io/sealed.hpp"

namespace lockstep {

/// A verified checkpoint file in memory.
struct StoredCheckpoint {
  std::filesystem::path path;
  std::vector<std::byte> bytes;
  Sealed sealed;                   ///< a view of `bytes`
  std::vector<std::string> notes;  ///< why others, which come first, were passed over
};

/// Reads a sealed checkpoint file and verifies every byte of it before anyone looks inside; takes
/// no memory for what has no seal.
/// Errors: no_input, or bad_data with the reason.
[[nodiscard]] StoredCheckpoint read_checkpoint(const std::filesystem::path& path);
/// The same of a file of an open directory.
[[nodiscard]] StoredCheckpoint read_checkpoint(const Directory& directory, const std::string& name);

/// The checkpoint that somebody means who names a file, or the directory of a run: its best one,
/// checkpoints/best.h5, else, or if that one is damaged, the newest that is intact; its `notes` say
/// so.
/// Errors: as `read_checkpoint`, with what the file is instead where that can be seen; no_input for
/// a directory without checkpoints.
[[nodiscard]] StoredCheckpoint find_checkpoint(const std::filesystem::path& path);

/// Gives every rank the verified bytes of rank 0's checkpoint, or nothing if it has none.
/// Collective.
void broadcast_checkpoint(const Communicator& world, std::optional<StoredCheckpoint>& checkpoint);

/// The checkpoints of one run: files step-NNNNNNNN.h5 in one directory. Rank 0 only; the caller
/// holds the directory's lock.
class CheckpointStore {
 public:
  /// `keep` newest files survive, and the one of the best step.
  CheckpointStore(Directory directory, Index keep);

  [[nodiscard]] static std::string file_name(std::uint64_t step);

  /// The newest checkpoint that is intact, among those of multiples of `every` steps. Reasons why
  /// newer ones are not go to `rejected`. Nothing if there are none at all.
  /// Errors: bad_data if there are some, but none is intact.
  [[nodiscard]] std::optional<StoredCheckpoint> newest(std::vector<std::string>& rejected,
                                                       std::uint64_t every = 1) const;

  /// The step after which the newest is named, intact or not; nothing if there is none.
  [[nodiscard]] std::optional<std::uint64_t> newest_step() const;

  /// Renames checkpoints of later steps, NAME.aside, NAME.aside-2, ...: a run that goes on from
  /// `step` takes another way, and they would be taken for its newest. Nothing is lost.
  void set_aside_after(std::uint64_t step) const;

  [[nodiscard]] bool holds(std::uint64_t step) const;

  /// Writes an image, sealed, reads it back and verifies it, and only then removes what is not
  /// kept: the newest of a multiple of `every` steps always is. `piece_done` is told how it gets
  /// on. Returns the path.
  /// Errors: cannot_create, io, or whatever reading it back found, and then it is not kept either.
  std::filesystem::path save(
      std::uint64_t step, std::span<const std::byte> image, std::optional<std::uint64_t> best_step,
      std::uint64_t every = 1, const PieceDone& piece_done = [] {}) const;

 private:
  struct Entry {
    std::uint64_t step;
    std::string name;
  };
  [[nodiscard]] std::vector<Entry> newest_first() const;
  [[nodiscard]] std::string name_aside(const std::string& name) const;
  void prune(std::uint64_t saved_step, std::optional<std::uint64_t> best_step,
             std::uint64_t every) const;

  Directory directory_;
  Index keep_;
};

}  // namespace lockstep
