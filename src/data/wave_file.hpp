#pragma once

#include <vector>

#include "lockstep/data/formats.hpp"

namespace lockstep {

/// One recording: its samples in [-1, 1], channels mixed down, and what of it is not as the file
/// says.
struct Sound {
  Index rate = 0;
  std::vector<float> samples;
  Index channels = 1;
  bool unfinished = false;  ///< the size of the sound was never filled in: it goes to the end
  bool followed = false;    ///< by bytes that are no part of a RIFF file, which are left out
};

/// Reads a RIFF WAVE.
/// Errors: bad_data, also if it holds no sound.
[[nodiscard]] Sound read_wave(const DataFile& file);

}  // namespace lockstep
