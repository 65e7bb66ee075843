#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "lockstep/config/schema.hpp"
#include "lockstep/config/settings.hpp"
#include "lockstep/data/augmentation.hpp"
#include "lockstep/nn/layer.hpp"
#include "lockstep/nn/loss.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "lockstep/optim/schedule.hpp"

// The tables of what a configuration can name; one row for each layer, loss, optimizer,
// schedule, augmentation.

namespace lockstep {

/// What a row makes: the component's keys and, beside them, the code that reads them.
template <typename Product, typename... Arguments>
struct Row {
  config::Component component;
  std::unique_ptr<Product> (*make)(const config::Settings&, Arguments...);
};

struct Timeline {
  Index steps_per_epoch;
  std::uint64_t total_steps;  ///< after the warm-up
  double base;
};

using ScheduleRow = Row<Schedule, const Timeline&>;

[[nodiscard]] const std::vector<Row<Layer>>& layer_rows();
[[nodiscard]] const std::vector<Row<Loss>>& loss_rows();
[[nodiscard]] const std::vector<Row<Optimizer>>& optimizer_rows();
[[nodiscard]] const std::vector<ScheduleRow>& schedule_rows();
[[nodiscard]] const std::vector<Row<Augmentation>>& augmentation_rows();

}  // namespace lockstep
