#include "lockstep/setup/class_weights.hpp"

#include <algorithm>

namespace lockstep {

std::vector<double> balanced_weights(const Samples& samples, Index classes) {
  std::vector<Index> counts(static_cast<std::size_t>(classes));
  Index labels = 0;
  for (Index i = 0; i < samples.size(); ++i) {
    for (const std::int32_t label : samples.data->labels(samples.subset[i])) {
      if (label < 0) continue;
      ++labels;
      const auto c = static_cast<std::size_t>(label);
      if (c < counts.size()) ++counts[c];  // others are refused with the targets
    }
  }
  const auto present = classes - std::ranges::count(counts, Index{0});
  std::vector<double> weights;
  for (const Index count : counts) {
    weights.push_back(count == 0 ? 1
                                 : static_cast<double>(labels) /
                                       (static_cast<double>(present) * static_cast<double>(count)));
  }
  return weights;
}

bool resolve_class_weights(const Samples& training, Shape output, config::Config& config) {
  constexpr std::string_view kKey = "class_weights";
  const config::Settings& loss = config.loss;
  if (!loss.knows(kKey) || !std::holds_alternative<std::string>(loss.entry(kKey).value)) {
    return false;
  }
  if (training.data->describe().is_text()) {
    throw loss.error(kKey, "the symbols of a text are not balanced; give the weights as numbers");
  }
  config.loss.set(std::string(kKey),
                  {balanced_weights(training, output.channels), loss.entry(kKey).place});
  return true;
}

}  // namespace lockstep
