#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace lockstep {

/// A file of weights that nobody vouches for, as the bytes of a safetensors file: those of the file
/// itself, or what `safetensors_of_hdf5` makes of an HDF5 file, in a limited child process. Memory
/// is taken for what such a file says it has, never for what lies behind it. Requires a process of
/// one thread, before MPI starts.
/// Errors: no_input, no_permission; bad_data if it is neither, or the child refused it, crashed or
/// reached a limit.
[[nodiscard]] std::vector<std::byte> read_weights_file(const std::string& path);

/// The datasets of an HDF5 image as a safetensors file: those of the root, or of the group "model",
/// "state_dict" or "model_state_dict" in it, as in a checkpoint; its version becomes metadata.
/// Reals become F32, integers I64.
/// Errors: Error(bad_data) with the label and the object's path.
[[nodiscard]] std::vector<std::byte> safetensors_of_hdf5(std::span<const std::byte> image,
                                                         const std::string& label);

}  // namespace lockstep
