#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lockstep/io/hdf5.hpp"

namespace lockstep {

/// A numeric dataset of an HDF5 file on disk whose rows, along the first dimension, are read when
/// they are wanted; the file is never loaded as a whole, and refused for the same reasons as by
/// Hdf5Reader.
/// Errors: no_input, no_permission, and bad_data with the file and the object's path.
class Hdf5Rows {
 public:
  /// Opens the dataset at `path`, such as "/train/x"; the file must not change while it is open.
  Hdf5Rows(const std::string& file, const std::string& path);
  Hdf5Rows(Hdf5Rows&&) noexcept;
  Hdf5Rows& operator=(Hdf5Rows&&) noexcept;
  ~Hdf5Rows();

  /// Names the file and the dataset in messages.
  [[nodiscard]] const std::string& label() const;
  [[nodiscard]] const std::string& file() const;
  /// At least one dimension.
  [[nodiscard]] const std::vector<Index>& shape() const;
  [[nodiscard]] Hdf5Type type() const;
  /// As Hdf5Reader::fits_float.
  [[nodiscard]] bool fits_float() const;
  /// Numbers in a row.
  [[nodiscard]] Index row_numbers() const;
  /// Rows that are stored together, to be read together: those of a chunk, 1 without chunks.
  [[nodiscard]] Index chunk_rows() const;

  /// Reads rows [first, first + count), converted; out.size() == count * numbers in a row. No
  /// memory of ours is taken.
  void read(Index first, Index count, std::span<float> out) const;
  void read(Index first, Index count, std::span<double> out) const;
  /// Of type u8 only.
  void read(Index first, Index count, std::span<std::uint8_t> out) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lockstep
