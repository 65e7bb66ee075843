// What a run decides before its first step, and what it says of that.
#include <fmt/format.h>

#include "lockstep/comm/agreement.hpp"
#include "run/training_run.hpp"
#include "setup/look/statistics.hpp"

namespace lockstep {
namespace {

void require_same_run(const StoredCheckpoint& stored, const CheckpointInfo& old,
                      const CheckpointInfo& run) {
  const std::string difference = old.difference(run);
  if (difference.empty()) return;
  throw Error(ExitCode::bad_data,
              fmt::format("{} cannot be continued by this run\n  {}\n"
                          "  to start afresh, leave out --resume or use another --run-dir",
                          stored.path.string(), difference));
}

}  // namespace

void TrainingRun::plan() {
  const config::Data& data = config().data;
  together(world_, [&] {
    Index wanted = config().parallel.microbatches;
    std::optional<CheckpointInfo> old;
    if (resume_from_) {
      const Hdf5Reader file(resume_from_->sealed.image, resume_from_->path.string());
      old = read_info(file);
      if (wanted == 0) wanted = old->microbatches;
    }
    microbatches_ = choose_microbatches(wanted, data.batch, world_.size(),
                                        most_microbatches(*setup_.network, data.batch));
    if (config().parallel.rounds > microbatches_) {
      throw config().error("parallel.rounds",
                           fmt::format("'rounds' must be at most the microbatches of a batch, {}, "
                                       "is {}",
                                       microbatches_, config().parallel.rounds));
    }
    info_ = info_of(setup_, microbatches_);
    steps_per_epoch_ = info_.steps_per_epoch;
    total_steps_ = config().run.steps ? static_cast<std::uint64_t>(*config().run.steps)
                                      : steps_of_epochs(*config().run.epochs);
    if (old) require_same_run(*resume_from_, *old, info_);
    learning_rate_ = std::make_unique<LearningRate>(config(), steps_per_epoch_, total_steps_);
    note_data();
    note_settings();
  });
}

std::uint64_t TrainingRun::steps_of_epochs(Index epochs) const {
  Index steps = 0;
  if (__builtin_mul_overflow(epochs, steps_per_epoch_, &steps)) {
    throw config().error("run.epochs", fmt::format("{} epochs of {} steps are more than 2^63 steps",
                                                   epochs, steps_per_epoch_));
  }
  return static_cast<std::uint64_t>(steps);
}

void TrainingRun::note_data() {
  const config::Data& data = config().data;
  const auto add = [this](const std::vector<std::string>& notes) {
    notes_.insert(notes_.end(), notes.begin(), notes.end());
  };
  for (const SharedDataset* set : {&setup_.data->train_data, &setup_.data->val_data}) {
    if (*set) add((*set)->notes());
  }
  add(setup_.notes);
  add(look_at_statistics(*setup_.network, setup_.data->train.size(), data.batch, microbatches_,
                         !resume_from_));
  if (const DatasetHeader& set = setup_.data->train_data->describe(); set.streamed()) {
    notes_.push_back(
        fmt::format("{} is read while it is trained on: samples are shuffled in windows of {}, "
                    "made of blocks of {}",
                    data.train, set.blocks.rows * set.blocks.window, set.blocks.rows));
  }
}

void TrainingRun::note_settings() {
  if (!resume_from_ && config().parallel.microbatches == 0 && microbatches_ > 8) {
    notes_.push_back(
        fmt::format("{} ranks: every batch is cut into {} microbatches instead of 8; for the same "
                    "bits on fewer ranks give parallel.microbatches = {}",
                    world_.size(), microbatches_, microbatches_));
  }
  if (const double scale = learning_rate_scale(config()); scale != 1) {
    const double rate = config().optimizer.real("lr");
    notes_.push_back(fmt::format(
        "learning rate {:.4g} = {:.4g} x {:.4g}: batch {} instead of {}, scale_lr = \"{}\"",
        rate * scale, rate, scale, config().data.batch, config().optimizer.integer("base_batch"),
        config().optimizer.text("scale_lr")));
  }
  if (const double ema = config().optimizer.real("ema"); ema > 0) {
    notes_.push_back(
        fmt::format("validation judges the average of the weights, optimizer.ema = {}", ema));
  }
  if (const std::uint64_t warmup = learning_rate_->warmup(); warmup >= total_steps_) {
    notes_.push_back(
        fmt::format("the run ends within its warm-up: {} steps of {}, so {}", total_steps_, warmup,
                    warmup == total_steps_ ? "only the last one is made with optimizer.lr"
                                           : "optimizer.lr is never reached"));
  }
}

}  // namespace lockstep
