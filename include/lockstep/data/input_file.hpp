#pragma once

#include <functional>
#include <mutex>
#include <span>
#include <vector>

#include "lockstep/io/hdf5_rows.hpp"

namespace lockstep {

/// The inputs of a data set that stay in HDF5 files, several of which follow each other. Training
/// and validation samples of one file are read by a thread each: they wait for each other.
class InputFile {
 public:
  /// Requires parts of equal type and shape but for the number of rows. `arrange`, if given, is
  /// what is done to samples as the files hold them.
  using Arrange = std::function<void(std::span<std::byte> samples)>;
  explicit InputFile(std::vector<Hdf5Rows> parts, Arrange arrange = {})
      : parts_(std::move(parts)), arrange_(std::move(arrange)) {}

  [[nodiscard]] const std::vector<Hdf5Rows>& parts() const { return parts_; }
  /// Samples in all parts.
  [[nodiscard]] Index size() const;
  /// The part that holds a sample.
  [[nodiscard]] const Hdf5Rows& part_of(Index sample) const;
  /// From now on `read` takes these off, one per channel; empty: nothing. A channel has `run`
  /// numbers in a row before the next one.
  void set_offsets(std::vector<double> offsets, Index run);
  /// Writes samples [first, first + count) as a Dataset stores them: bytes, or floats. Errors:
  /// bad_data, naming file and sample, if a number is not finite or reading fails.
  void read(Index first, Index count, std::span<std::byte> out) const;

 private:
  void read_less_offsets(const Hdf5Rows& part, Index first, Index count,
                         std::span<float> out) const;

  mutable std::mutex reading_;  ///< holds rows_, and what arrange_ works with
  std::vector<Hdf5Rows> parts_;
  Arrange arrange_;
  std::vector<double> offsets_;
  std::size_t run_ = 1;
  mutable std::vector<double> rows_;  ///< as the file has them
};

}  // namespace lockstep
