#include "run/run_plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lockstep/base/error.hpp"
#include "lockstep/config/show.hpp"
#include "lockstep/io/hdf5.hpp"
#include "lockstep/nn/network.hpp"
#include "lockstep/run/run_info.hpp"
#include "setup/look/statistics.hpp"

namespace lockstep {
namespace {

void append(Notes& notes, const Notes& more) {
  notes.insert(notes.end(), more.begin(), more.end());
}

void require_same_run(const StoredCheckpoint& stored, const CheckpointInfo& old,
                      const CheckpointInfo& run) {
  const std::string difference = old.difference(run);
  if (difference.empty()) return;
  throw Error(ExitCode::bad_data,
              fmt::format("{} cannot be continued by this run\n  {}\n"
                          "  to start afresh, leave out --resume or use another --run-dir",
                          stored.path.string(), difference));
}

// Those of the checkpoint, unless the configuration gives a number.
Index microbatches_of(const Setup& setup, int ranks, const std::optional<CheckpointInfo>& old) {
  const config::Config& config = setup.config;
  Index wanted = config.parallel.microbatches;
  if (old && wanted == 0) wanted = old->microbatches;
  const Index microbatches = choose_microbatches(
      wanted, config.data.batch, ranks, most_microbatches(*setup.network, config.data.batch));
  if (config.parallel.accumulation > microbatches) {
    throw config.error(
        "parallel.accumulation",
        fmt::format("'accumulation' must be at most the microbatches of a batch, {}, "
                    "is {}",
                    microbatches, config.parallel.accumulation));
  }
  return microbatches;
}

Notes notes_on_data(const Setup& setup, Index microbatches, bool fresh) {
  const config::Data& data = setup.config.data;
  Notes notes;
  for (const SharedDataset* set : {&setup.data->train_data, &setup.data->val_data}) {
    if (*set) append(notes, (*set)->notes());
  }
  append(notes, setup.notes);
  append(notes, look_at_statistics(*setup.network, setup.data->train.size(), data.batch,
                                   microbatches, fresh));
  if (const DatasetHeader& set = setup.data->train_data->describe(); set.streamed()) {
    notes.push_back(
        fmt::format("{} is read while it is trained on: samples are shuffled in windows of {}, "
                    "made of blocks of {}",
                    data.train, set.blocks.rows * set.blocks.window, set.blocks.rows));
  }
  return notes;
}

Notes notes_on_ranks(int ranks, Index microbatches) {
  if (microbatches <= 8) return {};
  return {
      fmt::format("{} ranks: every batch is cut into {} microbatches instead of 8; for the same "
                  "bits on fewer ranks give parallel.microbatches = {}",
                  ranks, microbatches, microbatches)};
}

}  // namespace

Notes notes_on_learning_rate(const config::Config& config, const LearningRate& rate,
                             std::uint64_t total_steps) {
  const config::Settings& optimizer = config.optimizer;
  Notes notes;
  if (const double scale = learning_rate_scale(config); scale != 1) {
    const double base = optimizer.real("lr");
    notes.push_back(fmt::format(
        "learning rate {:.4g} = {:.4g} x {:.4g}: batch {} instead of {}, scale_lr = \"{}\"",
        base * scale, base, scale, config.data.batch, optimizer.integer("base_batch"),
        optimizer.text("scale_lr")));
  }
  if (const double ema = optimizer.real("ema"); ema > 0) {
    notes.push_back(
        fmt::format("validation judges the average of the weights, optimizer.ema = {}", ema));
  }
  if (const std::uint64_t warmup = rate.warmup(); warmup >= total_steps) {
    notes.push_back(
        fmt::format("the run ends within its warm-up: {} steps of {}, so {}", total_steps, warmup,
                    warmup == total_steps ? "only the last one is made with optimizer.lr"
                                          : "optimizer.lr is never reached"));
  }
  return notes;
}

std::uint64_t total_steps_of(const config::Config& config, Index steps_per_epoch) {
  if (config.run.steps) return static_cast<std::uint64_t>(*config.run.steps);
  const Index epochs = *config.run.epochs;
  Index steps = 0;
  if (__builtin_mul_overflow(epochs, steps_per_epoch, &steps)) {
    throw config.error("run.epochs", fmt::format("{} epochs of {} steps are more than 2^63 steps",
                                                 epochs, steps_per_epoch));
  }
  return static_cast<std::uint64_t>(steps);
}

RunPlan plan_run(const Setup& setup, int ranks, int threads,
                 const std::optional<StoredCheckpoint>& resume_from, Notes notes) {
  const config::Config& config = setup.config;
  std::optional<CheckpointInfo> old;
  if (resume_from) {
    old = read_info(Hdf5Reader(resume_from->sealed.image, resume_from->path.string()));
  }
  const Index microbatches = microbatches_of(setup, ranks, old);
  CheckpointInfo info = info_of(setup, microbatches);
  const Index per_epoch = info.steps_per_epoch;
  const std::uint64_t total_steps = total_steps_of(config, per_epoch);
  if (old) require_same_run(*resume_from, *old, info);
  LearningRate learning_rate(config, per_epoch, total_steps);

  append(notes, notes_on_data(setup, microbatches, !old));
  if (!old && config.parallel.microbatches == 0) append(notes, notes_on_ranks(ranks, microbatches));
  append(notes, notes_on_learning_rate(config, learning_rate, total_steps));
  if (old && info.config != old->config) {
    notes.push_back(
        fmt::format("the configuration differs from that of the checkpoint: {}; the new one counts",
                    fmt::join(config::differing_keys(old->config, info.config), ", ")));
  }
  return {.threads = threads,
          .info = std::move(info),
          .total_steps = total_steps,
          .first_step = old ? old->step : 0,
          .resumed_from = resume_from ? resume_from->path.string() : "",
          .notes = std::move(notes),
          .learning_rate = std::move(learning_rate),
          .log = Cadence(config.log.every, per_epoch),
          .eval = Cadence(config.eval.every, per_epoch),
          .audit = Cadence(config.audit.every, per_epoch),
          .checkpoint = Cadence(config.checkpoint.every, per_epoch)};
}

}  // namespace lockstep
