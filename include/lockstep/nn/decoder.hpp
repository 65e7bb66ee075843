#pragma once

#include <span>
#include <vector>

#include "lockstep/nn/workspace.hpp"

namespace lockstep {

/// Takes a sequence of symbols through a network one by one and predicts what follows each.
///
/// The network sees a window of at most as many symbols as it was planned for, T. While the window
/// has room, a symbol costs the forward pass of one position: what the layers saved of the
/// positions before, such as the keys and values of attention or the state of an lstm, is the cache
/// that it continues. When the window is full, the first T - T / 2 symbols leave it and forward
/// runs once over the rest. So a prediction is, bit for bit, that of forward on the window, and the
/// window is a function of the number of symbols alone, however they came.
class Decoder {
 public:
  /// Network and parameters must outlive it.
  /// Errors: Error(config) names the first layer that is not causal, or says that the network takes
  /// no sequence of symbols.
  Decoder(const Network& network, std::span<const Real> parameters);

  /// Appends symbols, at least one; returns the prediction at the last of them, which is valid
  /// until the next call. Several at once cost one forward pass over the window.
  std::span<const Real> append(std::span<const Real> symbols);

  /// The symbols that the last prediction saw.
  [[nodiscard]] std::span<const Real> window() const { return window_; }

 private:
  void forward();

  const Network& network_;
  std::span<const Real> parameters_;
  Workspace workspace_;
  Index most_;  ///< symbols in a window
  std::vector<Real> window_;
};

}  // namespace lockstep
