#include <array>

#include "fuzz/target.hpp"

namespace lockstep::fuzz {

extern const Target kCheckpoint, kCifar10, kConfig, kCsv, kGraph, kGzip, kHdf5, kIdx, kLabelTable,
    kNpy, kOverride, kPng, kPnm, kSealed, kText, kWav;

std::span<const Target> targets() {
  // Not constant: an object of another file may not be there yet when this one is initialised.
  static const std::array all = {
      kIdx,  kNpy,    kCsv,  kGzip,  kWav,    kPng,      kPnm,        kCifar10,
      kText, kSealed, kHdf5, kGraph, kConfig, kOverride, kLabelTable, kCheckpoint,
  };
  return all;
}

}  // namespace lockstep::fuzz
