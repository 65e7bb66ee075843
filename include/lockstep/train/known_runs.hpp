#pragma once

#include <span>
#include <string>
#include <string_view>

#include "lockstep/base/types.hpp"
#include "lockstep/comm/topology.hpp"

namespace lockstep {

/// A small training run whose end is known: what every build, on every processor and in every
/// deployment, must arrive at.
struct KnownRun {
  std::string_view name;
  std::string_view what;    ///< of the network and its training
  std::string_view digest;  ///< of all that was learned, in hexadecimal
};

/// Six of them, of the kinds of networks that people train.
[[nodiscard]] std::span<const KnownRun> known_runs();

/// Parts of each of their batches, and so the most ranks that can share one.
inline constexpr Index kKnownMicrobatches = 16;

/// Trains known_runs()[index], on data made from random numbers, and returns its digest. At most
/// kKnownMicrobatches ranks. Collective. A fraction of a second.
[[nodiscard]] std::string train_known(const Topology& topology, std::size_t index);

}  // namespace lockstep
