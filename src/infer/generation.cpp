#include "lockstep/infer/generation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/exponential.hpp"
#include "lockstep/base/clock.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/base/random.hpp"
#include "lockstep/comm/agreement.hpp"
#include "lockstep/infer/trained_model.hpp"
#include "lockstep/nn/decoder.hpp"

namespace lockstep {
namespace {

/// The symbols of the prompt, as the network takes them.
std::vector<Real> encoded_prompt(const Vocabulary& vocabulary, const std::string& prompt) {
  if (prompt.empty()) {
    throw Error(ExitCode::usage,
                "--prompt: expected at least one symbol to continue, found none; a line break is "
                "the default");
  }
  try {
    const std::vector<std::int32_t> symbols = vocabulary.encode(prompt, "--prompt");
    return {symbols.begin(), symbols.end()};
  } catch (const Error& error) {
    throw Error(ExitCode::usage, error.what());
  }
}

/// Errors: Error(usage) if the network cannot continue a text.
Decoder decoder_of(const TrainedModel& model, const std::string& checkpoint) {
  if (model.checkpoint.info.vocabulary.empty()) {
    throw Error(ExitCode::usage, fmt::format("{}: its data was no text (data.type is \"{}\")\n"
                                             "  try: trainer predict",
                                             checkpoint, model.config.data.type));
  }
  const Index outputs = model.network->output_shape().channels;
  if (const Index symbols = model.checkpoint.info.vocabulary.size(); outputs < symbols) {
    throw Error(ExitCode::bad_data, fmt::format("{}: {} outputs for a vocabulary of {} symbols",
                                                checkpoint, outputs, symbols));
  }
  try {
    return {*model.network, model.checkpoint.parameters.span()};
  } catch (const Error& error) {
    throw Error(ExitCode::usage, fmt::format("{}: {}", checkpoint, error.what()));
  }
}

Generation continue_text(const TrainedModel& model, const GenerationRequest& request,
                         const std::function<void(std::string_view)>& write) {
  const Vocabulary& vocabulary = model.checkpoint.info.vocabulary;
  Decoder decoder = decoder_of(model, request.checkpoint);
  const std::vector<Real> prompt = encoded_prompt(vocabulary, request.prompt);
  const RandomKey key{.seed = request.seed, .purpose = RandomPurpose::generation};
  write(request.prompt);
  std::span<const Real> logits = decoder.append(prompt);
  const double begin = now_seconds();
  for (Index i = 0; i < request.length; ++i) {
    const Index symbol =
        sample_symbol(logits.first(static_cast<std::size_t>(vocabulary.size())), request.sampling,
                      random_uniform(key, static_cast<std::uint64_t>(i)));
    write(vocabulary.decode(static_cast<std::int32_t>(symbol)));
    if (i + 1 == request.length) break;
    const auto next = static_cast<Real>(symbol);
    logits = decoder.append({&next, 1});
  }
  return {.prompt_symbols = static_cast<Index>(prompt.size()),
          .symbols = request.length,
          .seconds = now_seconds() - begin};
}

}  // namespace

Index sample_symbol(std::span<const Real> logits, const Sampling& sampling, double uniform) {
  if (!std::ranges::all_of(logits, [](Real z) { return std::isfinite(z); })) {
    throw Error(ExitCode::diverged, "the network predicts numbers that are not finite");
  }
  std::vector<Index> order(logits.size());
  std::iota(order.begin(), order.end(), Index{0});
  const auto logit = [&](Index symbol) { return logits[static_cast<std::size_t>(symbol)]; };
  std::ranges::stable_sort(order, std::ranges::greater(), logit);
  if (sampling.temperature == 0) return order.front();
  if (sampling.top_k > 0 && sampling.top_k < static_cast<Index>(order.size())) {
    order.resize(static_cast<std::size_t>(sampling.top_k));
  }

  // Cumulated weights; the last of those that count is their sum.
  std::vector<double> sums;
  double sum = 0;
  for (const Index symbol : order) {
    const double below =
        (double{logit(symbol)} - double{logit(order.front())}) / sampling.temperature;
    sum += double{elementary::exp(static_cast<Real>(below))};
    sums.push_back(sum);
  }
  const auto reaching = [&](double share) {
    return std::min(std::ranges::lower_bound(sums, share * sums.back()), sums.end() - 1);
  };
  sums.resize(static_cast<std::size_t>(reaching(sampling.top_p) - sums.begin()) + 1);
  const auto passed = std::ranges::upper_bound(sums, uniform * sums.back());
  return order[static_cast<std::size_t>(passed - sums.begin())];
}

Generation generate_text(const Communicator& world, const GenerationRequest& request,
                         const std::function<void(std::string_view)>& write) {
  const TrainedModel model = load_model(world, request.checkpoint);
  set_thread_count(1);  // one position at a time is too little work to share
  Generation done;
  run_on_root(world, [&] { done = continue_text(model, request, write); });
  done.checkpoint = model.file;
  done.notes = model.notes;
  return done;
}

}  // namespace lockstep
