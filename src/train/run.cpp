#include "lockstep/train/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <csignal>

#include "lockstep/base/clock.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/comm/agreement.hpp"
#include "lockstep/comm/environment.hpp"
#include "lockstep/config/show.hpp"
#include "lockstep/io/atomic_file.hpp"
#include "lockstep/train/catalogue.hpp"
#include "lockstep/train/checkpoint.hpp"
#include "lockstep/train/checkpoint_store.hpp"
#include "lockstep/train/evaluator.hpp"
#include "lockstep/train/manifest.hpp"
#include "lockstep/train/metrics_log.hpp"
#include "lockstep/train/run_directory.hpp"
#include "lockstep/train/setup.hpp"
#include "lockstep/train/signals.hpp"
#include "lockstep/train/trainer.hpp"

namespace lockstep {
namespace {

constexpr int kMaxFailedSaves = 3;

// When something is due that happens again and again: after a number of steps, or of seconds by rank 0's clock.
class Cadence {
 public:
  Cadence(const config::Interval& interval, Index steps_per_epoch)
      : seconds_(interval.unit == config::Interval::Unit::seconds ? interval.value : 0),
        steps_(interval.unit == config::Interval::Unit::seconds || interval.value == 0
                   ? 0
                   : steps_of(interval, steps_per_epoch)) {}

  [[nodiscard]] bool after_step(std::uint64_t step) const { return steps_ > 0 && step % steps_ == 0; }
  [[nodiscard]] bool after_seconds(double seconds) const { return seconds_ > 0 && seconds >= seconds_; }

 private:
  double seconds_;       // 0: not by time
  std::uint64_t steps_;  // 0: not by steps
};

// Tells several observers.
class Audience : public Observer {
 public:
  void add(Observer& observer) { observers_.push_back(&observer); }
  void on_start(const RunStart& e) override { tell(&Observer::on_start, e); }
  void on_step(const StepEvent& e) override { tell(&Observer::on_step, e); }
  void on_epoch(const EpochEvent& e) override { tell(&Observer::on_epoch, e); }
  void on_eval(const EvalEvent& e) override { tell(&Observer::on_eval, e); }
  void on_checkpoint(const CheckpointEvent& e) override { tell(&Observer::on_checkpoint, e); }
  void on_warning(const std::string& e) override { tell(&Observer::on_warning, e); }
  void on_end(const RunEnd& e) override { tell(&Observer::on_end, e); }

 private:
  template <typename Event>
  void tell(void (Observer::*member)(const Event&), const Event& event) {
    for (Observer* o : observers_) (o->*member)(event);
  }
  std::vector<Observer*> observers_;
};

class TrainingRun {
 public:
  TrainingRun(const Communicator& world, const RunRequest& request, Observer& observer);

  ExitCode run();

 private:
  [[nodiscard]] bool root() const { return world_.rank() == 0; }
  [[nodiscard]] bool classifies() const { return setup_.loss->classifies(); }
  [[nodiscard]] const config::Config& config() const { return setup_.config; }
  [[nodiscard]] double epochs_done() const;

  void plan();
  void find_checkpoint();
  void restore();
  void open_directory();
  void begin_records();
  [[nodiscard]] RunStart start_event() const;

  ExitCode loop();
  Wishes wishes() const;
  void after_step(const StepResult& result, double learning_rate, double seconds);
  void evaluate();
  void finish_epoch();
  void audit();
  bool save();
  Checkpoint checkpoint();
  [[nodiscard]] std::string stop_reason() const;
  void end(const std::string& status, ExitCode code, const std::string& reason);

  const Communicator& world_;
  const RunRequest& request_;
  Audience audience_;
  Setup setup_;
  int threads_ = 1;
  Index microbatches_ = 0;
  Index steps_per_epoch_ = 1;
  std::uint64_t total_steps_ = 0;
  std::uint64_t first_step_ = 0;  // steps done before this segment
  CheckpointInfo info_;
  std::optional<StoredCheckpoint> resume_from_;  // on every rank
  std::unique_ptr<Trainer> trainer_;
  std::unique_ptr<Evaluator> evaluator_;
  std::unique_ptr<LearningRate> learning_rate_;
  Progress progress_;
  std::vector<std::string> notes_;

  // Rank 0 only.
  std::unique_ptr<RunDirectory> directory_;
  std::unique_ptr<CheckpointStore> store_;
  std::unique_ptr<Manifest> manifest_;
  std::unique_ptr<MetricsLog> metrics_;

  double started_ = now_seconds();
  double last_save_ = started_;
  double epoch_started_ = started_;
  double step_seconds_ = 0;       // of this segment
  Index segment_samples_ = 0;
  Index epoch_segment_samples_ = 0;
  int failed_saves_ = 0;
  std::uint64_t saved_step_ = 0;  // of the last complete checkpoint of this segment
  std::string saved_file_;
  std::string saved_digest_;
  std::vector<Metric> val_metrics_;   // of the last evaluation, if it was after the current step
  bool val_is_best_ = false;
  std::array<double, Progress::kMilestones.size()> milestone_seconds_{};
};

TrainingRun::TrainingRun(const Communicator& world, const RunRequest& request, Observer& observer)
    : world_(world), request_(request) {
  audience_.add(observer);
  setup_ = set_up(world, request.config_file, request.overrides);
  threads_ = choose_threads(world, config().parallel.threads);
  milestone_seconds_.fill(-1);
  find_checkpoint();
  plan();
}

double TrainingRun::epochs_done() const {
  return static_cast<double>(trainer_->steps_done()) / static_cast<double>(steps_per_epoch_);
}

// -- Before the first step --------------------------------------------------------------------------

// Finds what to resume from, if anything. A directory is looked into only by its owner, so that is settled first.
void TrainingRun::find_checkpoint() {
  const bool automatic = request_.resume == "auto";
  on_root(world_, [&] {
    if (automatic && !request_.dry_run) {
      open_directory();
      resume_from_ = store_->newest(notes_);
    }
    if (!automatic && !request_.resume.empty()) resume_from_ = read_checkpoint(request_.resume);
  });
  broadcast_checkpoint(world_, resume_from_);
}

// Rank 0 only.
void TrainingRun::open_directory() {
  const bool existing =
      request_.resume == "auto" || (!request_.resume.empty() && !request_.run_directory.empty());
  directory_ = std::make_unique<RunDirectory>(
      RunDirectory::create(request_.run_directory, config().run.name, existing));
  store_ = std::make_unique<CheckpointStore>(directory_->checkpoints(), config().checkpoint.keep);
  remove_stale_temporaries(directory_->checkpoints());
}

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
    microbatches_ = choose_microbatches(wanted, data.batch, world_.size());
    const Index samples = setup_.data->train.size();
    steps_per_epoch_ = (samples + data.batch - 1) / data.batch;
    total_steps_ = config().run.steps
                       ? static_cast<std::uint64_t>(*config().run.steps)
                       : static_cast<std::uint64_t>(*config().run.epochs * steps_per_epoch_);
    info_ = {.step = 0,
             .config = config::identity(config(), catalogue()),
             .graph = graph_of(*setup_.network),
             .data_digest = setup_.data->digest,
             .split = setup_.data->split,
             .optimizer = std::string(setup_.optimizer->type()),
             .seed = static_cast<std::uint64_t>(config().run.seed),
             .train_samples = samples,
             .batch = data.batch,
             .microbatches = microbatches_,
             .shuffle = data.shuffle,
             .input = setup_.data->train_data->shape(),
             .steps_per_epoch = steps_per_epoch_};
    if (old) {
      if (const std::string difference = old->difference(info_); !difference.empty()) {
        throw Error(ExitCode::bad_data,
                    fmt::format("{} cannot be continued by this run\n  {}\n"
                                "  to start afresh, leave out --resume or use another --run-dir",
                                resume_from_->path.string(), difference));
      }
    }
    const TrainerOptions options{
        .seed = info_.seed,
        .batch = data.batch,
        .microbatches = microbatches_,
        .shuffle = data.shuffle,
        .clip_norm = config().optimizer.real("clip_norm"),
        .bucket = config().parallel.bucket / static_cast<Index>(sizeof(Real)),
        .overlap = config().parallel.overlap};
    learning_rate_ = std::make_unique<LearningRate>(config(), steps_per_epoch_, total_steps_);
    trainer_ = std::make_unique<Trainer>(world_, *setup_.network, *setup_.loss, *setup_.optimizer,
                                         setup_.data->train, options);
    evaluator_ = std::make_unique<Evaluator>(world_, *setup_.network, data.batch, microbatches_);
    if (resume_from_) restore();
  });
}

void TrainingRun::restore() {
  const Hdf5Reader file(resume_from_->sealed.image, resume_from_->path.string());
  Checkpoint checkpoint = decode(file, *setup_.network, setup_.optimizer->slots());
  trainer_->restore(checkpoint.info.step, checkpoint.parameters.span(), checkpoint.optimizer);
  progress_ = std::move(checkpoint.progress);
  first_step_ = checkpoint.info.step;
  resume_from_->bytes = {};
  if (checkpoint.info.config != info_.config) {
    notes_.push_back("the configuration differs from that of the checkpoint; the new one counts");
  }
}

void TrainingRun::begin_records() {
  const std::string place = affinity_list();
  std::vector<RankPlace> ranks;
  for (int rank = 0; rank < world_.size(); ++rank) {
    // Every rank takes its turn to tell rank 0; once per run, and the text is short.
    ranks.push_back({broadcast_text(world_, node_name(), rank), broadcast_text(world_, place, rank)});
  }
  on_root(world_, [&] {
    if (request_.dry_run) return;
    if (!directory_) open_directory();
    directory_->write_text("config.toml", setup_.source.text);
    directory_->write_text("config.resolved.toml", config::resolved(config(), catalogue()));
    manifest_ = std::make_unique<Manifest>(
        directory_->path(),
        ManifestFacts{.command_line = request_.command_line,
                      .threads = threads_,
                      .ranks = ranks,
                      .data_digests = {{"train", setup_.data->digest}}},
        first_step_);
    metrics_ = std::make_unique<MetricsLog>(
        directory_->path() / "metrics.jsonl",
        [this](const std::string& text) { audience_.on_warning(text); });
    audience_.add(*metrics_);
    directory_->status("running");
  });
  if (root()) {
    RunStart start = start_event();
    for (const RankPlace& r : ranks) start.nodes.push_back(r.node);
    audience_.on_start(start);
  }
}

RunStart TrainingRun::start_event() const {
  RunStart start;
  const DataSets& data = *setup_.data;
  start.name = config().run.name;
  start.directory = directory_ ? directory_->path().string() : "";
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
  start.input_type =
      data.train_data->describe().input_type == InputType::bytes ? "uint8" : "float32";
  start.train_samples = data.train.size();
  start.val_samples = data.val.size();
  start.held_out = data.held_out();
  start.batch = info_.batch;
  start.microbatches = microbatches_;
  start.steps_per_epoch = steps_per_epoch_;
  start.total_steps = total_steps_;
  start.notes = notes_;
  return start;
}

// -- The loop -----------------------------------------------------------------------------------------

ExitCode TrainingRun::run() {
  begin_records();
  if (request_.dry_run) return ExitCode::ok;
  ExitCode code = ExitCode::ok;
  try {
    code = loop();
  } catch (const AgreedError& error) {
    end("failed", error.code(), error.what());
    throw;
  } catch (const Error& error) {  // every rank decided alike from the same numbers
    end("failed", error.code(), error.what());
    throw AgreedError(error.code(), error.what());
  }
  end(code == ExitCode::ok ? "done" : "preempted", code, code == ExitCode::ok ? "" : stop_reason());
  return code;
}

ExitCode TrainingRun::loop() {
  const Cadence log(config().log.every, steps_per_epoch_);
  const Cadence eval(config().eval.every, steps_per_epoch_);
  const Cadence check(config().parallel.audit, steps_per_epoch_);
  const Cadence store(config().checkpoint.every, steps_per_epoch_);
  const auto per_epoch = static_cast<std::uint64_t>(steps_per_epoch_);
  started_ = last_save_ = epoch_started_ = now_seconds();

  while (trainer_->steps_done() < total_steps_) {
    const std::uint64_t step = trainer_->steps_done() + 1;
    const double begin = now_seconds();
    Wishes mine = wishes();
    mine.save = root() && store.after_seconds(begin - last_save_);
    const double rate = learning_rate_->at(step - 1);
    const StepResult result = trainer_->step(rate, mine, log.after_step(step));
    after_step(result, rate, now_seconds() - begin);

    val_metrics_.clear();
    const bool last = step == total_steps_;
    if (eval.after_step(step) || last) evaluate();
    if (step % per_epoch == 0 || last) finish_epoch();
    if (check.after_step(step)) audit();
    const bool enough = request_.max_steps && step - first_step_ >= *request_.max_steps;
    const bool stop = (result.wishes.stop || enough) && !last;
    if (last || stop || result.wishes.save || store.after_step(step) || val_is_best_) {
      const bool saved = save();
      if (!saved && (last || stop)) {
        throw AgreedError(ExitCode::io, "the last checkpoint could not be written; the newest "
                                        "complete one is " +
                                            (saved_file_.empty() ? "of an earlier start" : saved_file_));
      }
    }
    val_is_best_ = false;
    if (stop) return ExitCode::interrupted;
  }
  return ExitCode::ok;
}

Wishes TrainingRun::wishes() const {
  const bool out_of_time =
      root() && request_.max_seconds && now_seconds() - started_ >= *request_.max_seconds;
  return {.stop = stop_signal() != 0 || out_of_time, .save = false};
}

std::string TrainingRun::stop_reason() const {
  switch (stop_signal()) {
    case SIGUSR1: return "SIGUSR1";
    case SIGTERM: return "SIGTERM";
    case SIGINT: return "SIGINT";
    default: break;
  }
  if (request_.max_seconds && now_seconds() - started_ >= *request_.max_seconds) return "--max-time";
  return request_.max_steps ? "--max-steps" : "a signal to another rank";
}

void TrainingRun::after_step(const StepResult& result, double learning_rate, double seconds) {
  const std::uint64_t step = trainer_->steps_done();
  step_seconds_ += seconds;
  segment_samples_ += result.batch.size;
  epoch_segment_samples_ += result.batch.size;
  const auto before = progress_.milestone_steps;
  progress_.add_batch(step, result.sums, result.batch.size, classifies());
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i] != progress_.milestone_steps[i]) milestone_seconds_[i] = now_seconds() - started_;
  }
  if (!root()) return;
  const auto size = static_cast<double>(result.batch.size);
  StepEvent event;
  event.step = step;
  event.epoch = epochs_done();
  event.loss = result.sums[0] / size;
  event.error = classifies() ? (size - result.sums[1]) / size : 0;
  event.learning_rate = learning_rate;
  event.gradient_norm = result.gradient_norm;
  event.samples = result.batch.size;
  event.seconds = seconds;
  event.data_seconds = result.data_seconds;
  event.compute_seconds = result.compute_seconds;
  event.exposed_seconds = result.exposed_seconds;
  event.update_seconds = result.update_seconds;
  event.logged = Cadence(config().log.every, steps_per_epoch_).after_step(step);
  audience_.on_step(event);
}

void TrainingRun::evaluate() {
  const Samples& val = setup_.data->val;
  if (val.size() == 0) return;
  const double begin = now_seconds();
  const MetricSums sums = evaluator_->evaluate(trainer_->parameters(), *setup_.loss, val);
  val_metrics_ = setup_.loss->metrics(sums, static_cast<double>(val.size()));
  const std::uint64_t step = trainer_->steps_done();
  const std::string& best = config().checkpoint.best;
  for (const Metric& m : val_metrics_) {
    if (best == "val/" + std::string(m.name)) {
      val_is_best_ = progress_.offer_best(best, m.value, step);
    }
  }
  const auto n = static_cast<double>(std::max<Index>(progress_.epoch_samples, 1));
  progress_.add_history(step, epochs_done(), setup_.loss->metrics(progress_.epoch_sums, n),
                        val_metrics_);
  if (!root()) return;
  audience_.on_eval({.step = step,
                     .epoch = epochs_done(),
                     .split = "val",
                     .samples = val.size(),
                     .metrics = val_metrics_,
                     .seconds = now_seconds() - begin});
}

void TrainingRun::finish_epoch() {
  const std::uint64_t step = trainer_->steps_done();
  const auto per_epoch = static_cast<std::uint64_t>(steps_per_epoch_);
  const double seconds = now_seconds() - epoch_started_;
  const std::vector<Metric> train =
      setup_.loss->metrics(progress_.epoch_sums, static_cast<double>(progress_.epoch_samples));
  if (val_metrics_.empty()) progress_.add_history(step, epochs_done(), train, {});
  if (root()) {
    EpochEvent event;
    event.epoch = (step + per_epoch - 1) / per_epoch;
    event.epochs = (total_steps_ + per_epoch - 1) / per_epoch;
    event.step = step;
    event.steps = static_cast<Index>(step - (event.epoch - 1) * per_epoch);
    event.train = train;
    event.val = val_metrics_;
    event.best = val_is_best_;
    event.learning_rate = learning_rate_->at(step - 1);
    event.samples_per_second = static_cast<double>(epoch_segment_samples_) / seconds;
    event.seconds = seconds;
    audience_.on_epoch(event);
  }
  if (step % per_epoch == 0) progress_.end_epoch();
  epoch_segment_samples_ = 0;
  epoch_started_ = now_seconds();
}

// All ranks hold the same parameters, or something is broken: memory, a library, a processor.
void TrainingRun::audit() {
  const Digest digest = digest_of(std::as_bytes(trainer_->parameters()));
  Digest first = digest;
  world_.broadcast(std::as_writable_bytes(std::span(&first, 1)), 0);
  together(world_, [&] {
    if (digest == first) return;
    throw Error(ExitCode::desync,
                fmt::format("rank {} on {} holds other parameters than rank 0 after step {}: digest "
                            "{} instead of {}\n  suspect its memory or processor; the last "
                            "checkpoint is good",
                            world_.rank(), node_name(), trainer_->steps_done(), digest.hex(),
                            first.hex()));
  });
}

Checkpoint TrainingRun::checkpoint() {
  Checkpoint checkpoint;
  checkpoint.info = info_;
  checkpoint.info.step = trainer_->steps_done();
  checkpoint.optimizer = trainer_->gather_optimizer_state();
  if (!root()) return checkpoint;
  checkpoint.progress = progress_;
  checkpoint.inputs = setup_.data->inputs;
  checkpoint.targets = setup_.data->targets;
  checkpoint.parameters = Buffer<Real>(static_cast<Index>(trainer_->parameters().size()));
  std::ranges::copy(trainer_->parameters(), checkpoint.parameters.span().begin());
  return checkpoint;
}

// Collective. False if the checkpoint could not be written; the run goes on, a few times.
bool TrainingRun::save() {
  const double begin = now_seconds();
  const Checkpoint state = checkpoint();
  std::string failure;
  on_root(world_, [&] {
    const auto finite = [](std::span<const Real> values) {
      return std::ranges::all_of(values, [](Real v) { return std::isfinite(v); });
    };
    if (!finite(state.parameters.span())) {
      throw Error(ExitCode::diverged,
                  fmt::format("a parameter is not finite after step {}; not saved", state.info.step));
    }
    CheckpointImage image = encode(state, *setup_.network, setup_.optimizer->slots());
    const Index size = static_cast<Index>(image.bytes.size());
    const std::optional<std::uint64_t> best =
        progress_.best ? std::optional(progress_.best->step) : std::nullopt;
    try {
      const auto path = store_->save(state.info.step, std::move(image.bytes), best);
      saved_file_ = "checkpoints/" + path.filename().string();
      directory_->link("latest.h5", path.filename().string());
      if (best == state.info.step) directory_->link("best.h5", path.filename().string());
    } catch (const Error& error) {
      failure = error.what();
      return;
    }
    saved_step_ = state.info.step;
    saved_digest_ = image.state_digest;
    audience_.on_checkpoint({.step = state.info.step,
                             .file = saved_file_,
                             .digest = saved_digest_,
                             .seconds = now_seconds() - begin,
                             .bytes = size});
  });
  last_save_ = now_seconds();
  const bool failed = world_.any(!failure.empty());
  failed_saves_ = failed ? failed_saves_ + 1 : 0;
  if (!failed) return true;
  if (root()) audience_.on_warning("checkpoint not written: " + failure);
  if (failed_saves_ >= kMaxFailedSaves) {
    throw AgreedError(ExitCode::io, fmt::format("{} checkpoints in a row could not be written",
                                                failed_saves_));
  }
  return false;
}

void TrainingRun::end(const std::string& status, ExitCode code, const std::string& reason) {
  if (!root()) return;
  RunEnd end;
  end.status = status;
  end.code = code;
  end.reason = reason;
  end.step = trainer_->steps_done();
  end.epochs = end.step / static_cast<std::uint64_t>(steps_per_epoch_);
  end.seconds = now_seconds() - started_;
  end.samples_per_second =
      step_seconds_ > 0 ? static_cast<double>(segment_samples_) / step_seconds_ : 0;
  end.digest = saved_step_ == end.step ? saved_digest_ : "";
  end.checkpoint = saved_file_;
  end.best = progress_.best;
  if (classifies()) {
    for (std::size_t i = 0; i < Progress::kMilestones.size(); ++i) {
      end.milestones.push_back({.error = Progress::kMilestones[i],
                                .step = progress_.milestone_steps[i],
                                .seconds = milestone_seconds_[i]});
    }
  }
  try {
    manifest_->end(end);
    directory_->status(status, code, reason);
  } catch (const Error& error) {  // the end itself counts more than its record
    audience_.on_warning(error.what());
  }
  audience_.on_end(end);
}

}  // namespace

ExitCode train(const Communicator& world, const RunRequest& request, Observer& observer) {
  return TrainingRun(world, request, observer).run();
}

}  // namespace lockstep
