// What a run does before its first step: reading, checking, resuming, and opening its records.
#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "lockstep/base/instruction_set.hpp"
#include "lockstep/comm/agreement.hpp"
#include "lockstep/comm/environment.hpp"
#include "lockstep/config/show.hpp"
#include "lockstep/run/checkpoint_paths.hpp"
#include "lockstep/run/run_info.hpp"
#include "run/training_run.hpp"

namespace lockstep {
namespace {

StoredCheckpoint checkpoint_named(const std::string& path) {
  std::error_code unknown;
  if (std::filesystem::is_directory(path, unknown)) {
    throw Error(ExitCode::usage,
                fmt::format("--resume {}: expected a checkpoint or auto, found a directory\n"
                            "  to go on with that run: --run-dir {} --resume auto",
                            path, path));
  }
  return read_checkpoint(path);
}

std::string text_of(InputType type) {
  switch (type) {
    case InputType::bytes:
      return "uint8";
    case InputType::symbols:
      return "symbols";
    default:
      return "float32";
  }
}

}  // namespace

void TrainingRun::start() {
  exit_if_stopped();
  topology_.heartbeat().enter(Phase::data);
  setup_ = set_up(topology_, request_.config_file, request_.overrides);
  watchdog_.set_limits(
      {.step = config().watchdog.limit.value, .slow = config().watchdog.slow_limit.value});
  topology_.heartbeat().enter(Phase::start);
  exit_if_stopped();
  const int threads = choose_threads(world_, config().parallel.threads);
  std::vector<std::string> notes;
  std::optional<StoredCheckpoint> stored = find_checkpoint(notes);
  exit_if_stopped();
  plan(threads, stored, std::move(notes));
  build_trainer();
  begin_records(stored ? restore_from(*stored) : "");
}

// Before there are records and a state. Collective.
void TrainingRun::exit_if_stopped() const {
  if (!world_.any(votes().stop)) return;
  throw AgreedError(ExitCode::interrupted,
                    fmt::format("stopped by {} before the first step: nothing was to be saved, the "
                                "same command starts again",
                                stop_reason()));
}

// Finds what to resume from, if anything; why others were passed over is noted. A directory is
// looked into only by its owner, so that is settled first.
std::optional<StoredCheckpoint> TrainingRun::find_checkpoint(std::vector<std::string>& notes) {
  const bool automatic = request_.resume == "auto";
  std::optional<StoredCheckpoint> stored;
  run_on_root(world_, [&] {
    if (automatic && !request_.dry_run) {
      records_.open(request_, config().run.name);
      stored = CheckpointStore(records_.directory().checkpoints(), config().checkpoint.keep)
                   .newest(notes);
    }
    if (!automatic && !request_.resume.empty()) stored = checkpoint_named(request_.resume);
  });
  broadcast_checkpoint(world_, stored);
  return stored;
}

void TrainingRun::plan(int threads, const std::optional<StoredCheckpoint>& resume_from,
                       std::vector<std::string> notes) {
  fail_together(world_, [&] {
    plan_ = std::make_unique<const RunPlan>(
        plan_run(setup_, world_.size(), threads, resume_from, std::move(notes)));
  });
  policy_ = std::make_unique<const RunPolicy>(config(), plan_->learning_rate);
}

void TrainingRun::build_trainer() {
  const CheckpointInfo& info = plan_->info;
  const TrainerOptions options{
      .seed = info.seed,
      .batch = info.batch,
      .microbatches = info.microbatches,
      .shuffle = info.shuffle,
      .decay_all = config().optimizer.text("decay") == "all",
      .clip_norm = config().optimizer.real("clip_norm"),
      .ema = config().optimizer.real("ema"),
      .rounds = config().parallel.accumulation,
      .bucket = config().parallel.bucket / static_cast<Index>(sizeof(Real)),
      .overlap = config().parallel.overlap,
      .guarded = config().audit.every.value > 0};
  trainer_ = std::make_unique<Trainer>(topology_, *setup_.network, *setup_.loss, *setup_.optimizer,
                                       setup_.data->train, options);
  fail_together(world_, [&] {
    evaluator_ = std::make_unique<Evaluator>(world_, *setup_.network, info.batch, info.microbatches,
                                             config().parallel.accumulation);
  });
}

// Goes on from a checkpoint, whose bytes all ranks have, and frees them. Returns the digest of its
// state. Collective.
std::string TrainingRun::restore_from(StoredCheckpoint& stored) {
  Checkpoint checkpoint;
  std::string digest;
  fail_together(world_, [&] {
    const Hdf5Reader file(stored.sealed.image, stored.path.string());
    checkpoint = decode(file, *setup_.network, state_slots(setup_));
    digest = file.text_attribute(kDigestGroup, "state");
    if (checkpoint.inputs != setup_.data->inputs || checkpoint.targets != setup_.data->targets) {
      throw Error(
          ExitCode::bad_data,
          fmt::format("{} cannot be continued by this run\n  data.normalize: the checkpoint was "
                      "trained on otherwise normalized data\n"
                      "  to start afresh, leave out --resume or use another --run-dir",
                      stored.path.string()));
    }
  });
  stored.sealed = {};                       // a view of the bytes
  stored.bytes = std::vector<std::byte>();  // {} would keep their memory
  trainer_->restore(checkpoint.info.step, checkpoint.parameters.span(), checkpoint.optimizer);
  progress_ = std::move(checkpoint.progress);
  return digest;
}

// Every rank takes its turn to tell the others; once per run, and the text is short.
std::vector<RankPlace> TrainingRun::exchange_places() {
  const std::string cpus = affinity_list();
  std::vector<RankPlace> places;
  for (int rank = 0; rank < world_.size(); ++rank) {
    places.push_back({broadcast_text(world_, node_name(), rank), broadcast_text(world_, cpus, rank),
                      broadcast_text(world_, std::string(instruction_set()), rank)});
  }
  return places;
}

// `resumed_digest`: of the state that the segment begins with, if it is that of a checkpoint.
void TrainingRun::begin_records(const std::string& resumed_digest) {
  const std::vector<RankPlace> places = exchange_places();
  for (const RankPlace& place : places) node_names_.push_back(place.node);
  run_on_root(world_, [&] {
    if (request_.dry_run) return;
    if (!records_.is_open()) records_.open(request_, config().run.name);
    writer_ =
        std::make_unique<CheckpointWriter>(records_.directory(), config().checkpoint,
                                           policy_->rollback_steps(plan_->info.steps_per_epoch),
                                           topology_.heartbeat(), records_.observers());
    if (!plan_->resumed_from.empty()) {
      writer_->resume_at(plan_->first_step, resumed_digest, best_step());
    }
    records_.begin(setup_.source.text, config::resolved(config(), catalogue()),
                   {.command_line = request_.command_line,
                    .threads = plan_->threads,
                    .ranks = places,
                    .data_digests = {{"train", setup_.data->digest}}},
                   plan_->first_step);
  });
  const MemoryUse most = most_memory();
  if (root()) {
    RunStart start = start_event();
    start.memory = most;
    for (const RankPlace& place : places) start.instruction_sets.push_back(place.instruction_set);
    records_.observers().on_start(start);
  }
}

RunStart TrainingRun::start_event() const {
  RunStart start;
  const DataSets& data = *setup_.data;
  const CheckpointInfo& info = plan_->info;
  start.name = config().run.name;
  start.directory = records_.path();
  start.log = records_.log();
  start.config_file = request_.config_file;
  start.overrides = request_.overrides.size();
  start.seed = info.seed;
  start.ranks = world_.size();
  start.threads = plan_->threads;
  start.nodes = node_names_;
  start.segment = records_.segment();
  start.first_step = plan_->first_step;
  start.resumed_from = plan_->resumed_from;
  start.network = setup_.network.get();
  start.loss = setup_.loss->type();
  start.optimizer = setup_.optimizer->type();
  start.input_type = text_of(data.train_data->describe().input_type);
  start.train_samples = data.train.size();
  start.val_samples = data.val.size();
  start.held_out = data.held_out;
  start.batch = info.batch;
  start.microbatches = info.microbatches;
  start.steps_per_epoch = info.steps_per_epoch;
  start.total_steps = plan_->total_steps;
  start.notes = plan_->notes;
  return start;
}

}  // namespace lockstep
