#pragma once

#include <string>
#include <vector>

#include "data/number_array.hpp"
#include "lockstep/data/formats.hpp"

// Targets and weights of sets whose inputs stay in their files.

namespace lockstep {

/// The numbers of one data set of several HDF5 files, one after the other.
class JoinedNumbers {
 public:
  NumberArray array;                       ///< a view of them
  std::vector<std::string> class_names{};  ///< of targets that are words

  /// Errors: bad_data for files of another shape, and as hdf5_targets.
  JoinedNumbers(const Source& source, const std::vector<std::string>& files,
                const std::string& path);
  /// What is taken off: as of data in memory, the first file decides.
  void set_offsets(const Offsets& offsets);
  JoinedNumbers(const JoinedNumbers&) = delete;  // the array is a view of the values
  JoinedNumbers& operator=(const JoinedNumbers&) = delete;

 private:
  /// Adds the numbers of a file. The names of its classes, if they are words.
  std::vector<std::string> append(const Source& source, const std::string& file,
                                  const std::string& path);

  std::vector<double> values_{};
  std::size_t first_ = 0;  ///< values of the first file
};

}  // namespace lockstep
