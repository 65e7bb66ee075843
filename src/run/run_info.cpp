#include "lockstep/run/run_info.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lockstep/config/show.hpp"
#include "lockstep/setup/catalogue.hpp"
#include "lockstep/train/updater.hpp"

namespace lockstep {

std::vector<std::string_view> state_slots(const Setup& setup) {
  const auto of_rule = setup.optimizer->slots();
  std::vector<std::string_view> slots(of_rule.begin(), of_rule.end());
  if (setup.config.optimizer.real("ema") > 0) slots.push_back(kAverageSlot);
  return slots;
}

CheckpointInfo info_of(const Setup& setup, Index microbatches) {
  const config::Data& data = setup.config.data;
  const Index samples = setup.data->train.size();
  return {.step = 0,
          .config = config::identity(setup.config, catalogue()),
          .graph = graph_of(*setup.network),
          .data_digest = setup.data->digest,
          .split = setup.data->split,
          .loss = std::string(setup.loss->type()),
          .optimizer = std::string(setup.optimizer->type()),
          .slots = fmt::format("{}", fmt::join(state_slots(setup), " ")),
          .seed = static_cast<std::uint64_t>(setup.config.run.seed),
          .train_samples = samples,
          .batch = data.batch,
          .microbatches = microbatches,
          .shuffle = data.shuffle,
          .input = setup.data->train_data->shape(),
          .steps_per_epoch = pieces_of(samples, data.batch),
          .class_names = setup.data->class_names,
          .columns = setup.data->columns,
          .vocabulary = setup.data->vocabulary,
          .rate = setup.data->train_data->describe().rate};
}

}  // namespace lockstep
