// What a run does before its first step: reading, checking, resuming, and opening its records.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <thread>

#include "lockstep/base/instruction_set.hpp"
#include "lockstep/comm/agreement.hpp"
#include "lockstep/comm/environment.hpp"
#include "lockstep/config/show.hpp"
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

}  // namespace

TrainingRun::TrainingRun(const Communicator& world, const RunRequest& request, Observer& observer)
    : request_(request),
      topology_(world, request.ranks_per_node),
      world_(topology_.ranks()),
      watchdog_(topology_.heartbeats(), [this](const std::string& who) { stall(who); }) {
  audience_.add(observer);
  leave_if_asked();
  topology_.heartbeat().enter(Phase::data);
  setup_ = set_up(topology_, request.config_file, request.overrides);
  watchdog_.set_limits(
      {.step = config().watchdog.limit.value, .slow = config().watchdog.slow_limit.value});
  topology_.heartbeat().enter(Phase::start);
  leave_if_asked();
  threads_ = choose_threads(world_, config().parallel.threads);
  milestone_seconds_.fill(-1);
  find_checkpoint();
  leave_if_asked();
  plan();
  build_trainer();
}

// Before there are records and a state. Collective.
void TrainingRun::leave_if_asked() const {
  if (!world_.any(wishes().stop)) return;
  throw AgreedError(ExitCode::interrupted,
                    fmt::format("stopped by {} before the first step: nothing was to be saved, the "
                                "same command starts again",
                                stop_reason()));
}

// On the watchdog's thread: no other part of the run can be relied on.
void TrainingRun::stall(const std::string& who) const {
  try {
    // A disk or a terminal that hangs must not hold it up.
    std::thread([] {
      std::this_thread::sleep_for(std::chrono::seconds(2));
      ::_exit(static_cast<int>(ExitCode::stalled));
    }).detach();
  } catch (const std::system_error&) {  // then they must not hang
  }
  const std::string line = "trainer: error: " + who + "; watchdog.limit ends the job\n";
  static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
  try {
    if (const RunDirectory* records = records_) records->status("failed", ExitCode::stalled, who);
  } catch (const std::exception&) {  // the line above has said it
  }
  ::_exit(static_cast<int>(ExitCode::stalled));
}

double TrainingRun::epochs_done() const {
  return static_cast<double>(trainer_->steps_done()) / static_cast<double>(steps_per_epoch_);
}

// Finds what to resume from, if anything. A directory is looked into only by its owner, so that is
// settled first.
void TrainingRun::find_checkpoint() {
  const bool automatic = request_.resume == "auto";
  on_root(world_, [&] {
    if (automatic && !request_.dry_run) {
      open_directory();
      resume_from_ = store_->newest(notes_);
    }
    if (!automatic && !request_.resume.empty()) resume_from_ = checkpoint_named(request_.resume);
  });
  broadcast_checkpoint(world_, resume_from_);
}

// Rank 0 only.
void TrainingRun::open_directory() {
  const bool existing =
      request_.resume == "auto" || (!request_.resume.empty() && !request_.run_directory.empty());
  directory_ = std::make_unique<RunDirectory>(
      RunDirectory::create(request_.run_directory, config().run.name, existing));
  records_ = directory_.get();
  store_ = std::make_unique<CheckpointStore>(directory_->checkpoints(), config().checkpoint.keep);
}

void TrainingRun::build_trainer() {
  const TrainerOptions options{
      .seed = info_.seed,
      .batch = info_.batch,
      .microbatches = microbatches_,
      .shuffle = info_.shuffle,
      .decay_all = config().optimizer.text("decay") == "all",
      .clip_norm = config().optimizer.real("clip_norm"),
      .ema = config().optimizer.real("ema"),
      .rounds = config().parallel.rounds,
      .bucket = config().parallel.bucket / static_cast<Index>(sizeof(Real)),
      .overlap = config().parallel.overlap,
      .guarded = config().audit.every.value > 0};
  trainer_ = std::make_unique<Trainer>(topology_, *setup_.network, *setup_.loss, *setup_.optimizer,
                                       setup_.data->train, options);
  together(world_, [&] {
    evaluator_ = std::make_unique<Evaluator>(world_, *setup_.network, info_.batch, microbatches_,
                                             config().parallel.rounds);
  });
  if (resume_from_) restore();
}

void TrainingRun::restore() {
  go_on_from(*resume_from_);
  first_step_ = trainer_->steps_done();
  if (info_.config != resumed_config_) {
    notes_.push_back(
        fmt::format("the configuration differs from that of the checkpoint: {}; the new one counts",
                    fmt::join(config::differing_keys(resumed_config_, info_.config), ", ")));
  }
}

// Collective; takes the bytes, which all ranks have.
void TrainingRun::go_on_from(StoredCheckpoint& stored) {
  Checkpoint checkpoint;
  together(world_, [&] {
    const Hdf5Reader file(stored.sealed.image, stored.path.string());
    checkpoint = decode(file, *setup_.network, state_slots(setup_));
    saved_digest_ = file.text_attribute("/digest", "state");
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
  resumed_config_ = std::move(checkpoint.info.config);
  saved_step_ = checkpoint.info.step;
}

void TrainingRun::begin_records() {
  const std::string place = affinity_list();
  std::vector<RankPlace> ranks;
  std::vector<std::string> instruction_sets;
  for (int rank = 0; rank < world_.size(); ++rank) {
    // Every rank takes its turn to tell the others; once per run, and the text is short.
    ranks.push_back({broadcast_text(world_, node_name(), rank), broadcast_text(world_, place, rank),
                     broadcast_text(world_, std::string(instruction_set()), rank)});
    node_names_.push_back(ranks.back().node);
    instruction_sets.push_back(ranks.back().instruction_set);
  }
  on_root(world_, [&] {
    if (request_.dry_run) return;
    if (!directory_) open_directory();
    if (resume_from_) {
      store_->set_aside_after(first_step_);
      link_checkpoints(first_step_, progress_);  // the last process may have died before it could
    }
    directory_->write_text("config.toml", setup_.source.text);
    directory_->write_text("config.resolved.toml", config::resolved(config(), catalogue()));
    manifest_ =
        std::make_unique<Manifest>(directory_->place(),
                                   ManifestFacts{.command_line = request_.command_line,
                                                 .threads = threads_,
                                                 .ranks = ranks,
                                                 .data_digests = {{"train", setup_.data->digest}}},
                                   first_step_);
    log_ = std::make_shared<AppendedFile>(directory_->place(), "log.txt");
    metrics_ = std::make_unique<MetricsLog>(
        AppendedFile(directory_->place(), "metrics.jsonl"),
        [this](const std::string& text) { audience_.on_warning(text); });
    audience_.add(*metrics_);
    directory_->status("running");
  });
  const MemoryUse most = most_memory();
  if (root()) {
    RunStart start = start_event();
    start.memory = most;
    start.nodes = node_names_;
    start.instruction_sets = instruction_sets;
    audience_.on_start(start);
  }
}

RunStart TrainingRun::start_event() const {
  RunStart start;
  const DataSets& data = *setup_.data;
  start.name = config().run.name;
  start.directory = directory_ ? directory_->path().string() : "";
  start.log = log_;
  start.config_file = request_.config_file;
  start.overrides = request_.overrides.size();
  start.seed = info_.seed;
  start.ranks = world_.size();
  start.threads = threads_;
  start.segment = manifest_ ? manifest_->segment() : 1;
  start.first_step = first_step_;
  start.resumed_from = resume_from_ ? resume_from_->path.string() : "";
  start.network = setup_.network.get();
  start.loss = setup_.loss->type();
  start.optimizer = setup_.optimizer->type();
  const InputType type = data.train_data->describe().input_type;
  start.input_type = type == InputType::bytes     ? "uint8"
                     : type == InputType::symbols ? "symbols"
                                                  : "float32";
  start.train_samples = data.train.size();
  start.val_samples = data.val.size();
  start.held_out = data.held_out;
  start.batch = info_.batch;
  start.microbatches = microbatches_;
  start.steps_per_epoch = steps_per_epoch_;
  start.total_steps = total_steps_;
  start.notes = notes_;
  return start;
}

}  // namespace lockstep
