#pragma once

#include <string>
#include <vector>

#include "lockstep/data/formats.hpp"
#include "lockstep/io/hdf5.hpp"

// What the loaders of HDF5 ask of a file beside its numbers.

namespace lockstep {

/// Errors: Error(bad_data) that lists what there is, and the keys that choose it, if the file lacks
/// a data set of the source.
void check_hdf5_names(const Hdf5Reader& file, const Source& source, const std::string& label,
                      const std::string& group);

/// The targets as numbers. Texts are the classes that they name, whose names are stored in
/// `class_names`, unless all are whole numbers.
[[nodiscard]] std::vector<double> hdf5_targets(const Hdf5Reader& file, const Source& source,
                                               const std::string& label, const std::string& path,
                                               std::vector<std::string>& class_names);

/// Where the names of the classes lie that the targets at this path have.
[[nodiscard]] std::string hdf5_names_path(const std::string& targets_path);

/// Those names, if there are any: texts in a data set beside the targets or in their attribute
/// "names", or one text of several lines, or parted by commas. Errors: Error(bad_data) for fewer
/// names than `classes`.
[[nodiscard]] std::vector<std::string> hdf5_class_names(const Hdf5Reader& file,
                                                        const std::string& label,
                                                        const std::string& targets_path,
                                                        Index classes);

/// Adds a note for each of the data sets of which some chunks were never written.
void note_unwritten(const Hdf5Reader& file, const std::string& label,
                    const std::vector<std::string>& paths, Dataset& data);

}  // namespace lockstep
