#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/base/types.hpp"
#include "lockstep/comm/communicator.hpp"

namespace lockstep {

/// How the next symbol is drawn from the logits z of all symbols.
struct Sampling {
  double temperature = 1;  ///< p ~ exp(z / temperature); 0: always the largest logit
  Index top_k = 0;         ///< only the k largest; 0: all
  double top_p = 1;        ///< only the fewest largest whose probabilities reach top_p together
};

/// The symbol at which the cumulated probabilities, from the largest logit to the smallest, pass
/// `uniform` in [0, 1); of equal logits the one with the smaller number comes first.
/// Errors: Error(diverged) if a logit is not finite.
[[nodiscard]] Index sample_symbol(std::span<const Real> logits, const Sampling& sampling,
                                  double uniform);

struct GenerationRequest {
  std::string checkpoint;
  std::string prompt = "\n";
  Index length = 200;  ///< symbols to write
  Sampling sampling;
  std::uint64_t seed = 0;
};

/// What was done, for people.
struct Generation {
  Index prompt_symbols = 0;
  Index symbols = 0;
  double seconds = 0;                ///< from the first to the last of them
  std::string checkpoint{};          ///< the file
  std::vector<std::string> notes{};  ///< of TrainedModel
};

/// Continues a prompt with a network that was trained on text, and hands the prompt and then each
/// symbol, as soon as it is drawn, to `write`, on rank 0 alone. The text is a pure function of the
/// request. Collective.
/// Errors: AgreedError: usage if the checkpoint is of no such network, or the prompt is empty or
/// has a symbol that the network does not know; or those of load_model and sample_symbol.
Generation generate_text(const Communicator& world, const GenerationRequest& request,
                         const std::function<void(std::string_view)>& write);

}  // namespace lockstep
