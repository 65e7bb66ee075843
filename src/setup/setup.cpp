#include "lockstep/setup/setup.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "lockstep/base/floating_point.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/base/threads.hpp"
#include "lockstep/comm/agreement.hpp"
#include "lockstep/comm/environment.hpp"
#include "lockstep/config/show.hpp"
#include "lockstep/setup/catalogue.hpp"
#include "lockstep/setup/class_weights.hpp"
#include "lockstep/train/inverse_variances.hpp"
#include "setup/look/look.hpp"

namespace lockstep {
namespace {

int allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

// Whoever uses a checkpoint must be able to read its configuration back.
void check_stored(const config::Config& config) {
  const std::string text = config::identity(config, catalogue());
  try {
    const config::Config again = config::parse_identity({"checkpoint", text}, catalogue());
    if (config::identity(again, catalogue()) == text) return;
  } catch (const Error& error) {
    throw Error(
        ExitCode::config,
        fmt::format("no checkpoint could hold this configuration and be read:\n{}", error.what()));
  }
  throw Error(ExitCode::internal, "the configuration is another when it is read back");
}

// What is wrong with the name of a figure, if anything: which there are depends on the loss and on
// what the network gives.
std::string unknown_figure(const Setup& setup, std::string_view key, const std::string& name,
                           bool none = false) {
  std::vector<std::string> known;
  for (const Metric& metric : setup.loss->metrics({}, 1, setup.network->output_shape())) {
    known.push_back("val/" + metric.name);
  }
  if (none) known.emplace_back("none");
  if (std::ranges::find(known, name) != known.end()) return {};
  return fmt::format("'{}' must be one of {} with this loss and network, is \"{}\"", key,
                     fmt::join(known, ", "), name);
}

void check_figures(const Setup& setup) {
  const config::Config& config = setup.config;
  const bool stops = config.stop.patience > 0;
  const bool falls = config.schedule.type() == "plateau";
  if (setup.data->val.size() == 0) {
    constexpr std::string_view kNeeded =
        "'{}' needs validation samples; give data.val or data.holdout";
    if (stops) throw config.error("stop.patience", fmt::format(kNeeded, "patience"));
    if (falls) throw config.schedule.error("type", fmt::format(kNeeded, "plateau"));
  }
  std::string fault = unknown_figure(setup, "best", config.checkpoint.best, true);
  if (!fault.empty()) throw config.error("checkpoint.best", fault);
  if (stops) fault = unknown_figure(setup, "metric", config.stop.metric);
  if (!fault.empty()) throw config.error("stop.metric", fault);
  if (falls) fault = unknown_figure(setup, "metric", config.schedule.text("metric"));
  if (!fault.empty()) throw config.schedule.error("metric", fault);
}

// The figure of that name cannot be formed if the answers do not vary.
std::string constant_answers(const Setup& setup, const std::string& figure) {
  const Samples& val = setup.data->val;
  if (figure != "val/r2" || val.size() == 0) return {};
  const std::vector<double> inverse =
      inverse_variances(val, setup.network->output_shape().channels);
  const auto constant =
      std::ranges::find_if_not(inverse, [](double v) { return std::isfinite(v); });
  if (constant == inverse.end()) return {};
  return fmt::format(
      "val/r2 cannot be formed: target column {} has one and the same value in {} validation "
      "sample{}; take another figure, such as val/rmse, or other samples",
      constant - inverse.begin(), val.size(), val.size() == 1 ? "" : "s");
}

void check_answers(const Setup& setup) {
  const config::Config& config = setup.config;
  std::string fault = constant_answers(setup, config.checkpoint.best);
  if (!fault.empty()) throw config.error("checkpoint.best", fault);
  if (config.stop.patience > 0) fault = constant_answers(setup, config.stop.metric);
  if (!fault.empty()) throw config.error("stop.metric", fault);
  if (config.schedule.type() != "plateau") return;
  fault = constant_answers(setup, config.schedule.text("metric"));
  if (!fault.empty()) throw config.schedule.error("metric", fault);
}

void check_network(const Setup& setup) {
  const Network& network = *setup.network;
  try {
    setup.loss->check(network.output_shape());
  } catch (const Error& error) {
    throw setup.config.loss.error("", error.what());
  }
  check_figures(setup);
  for (const SharedDataset* data : {&setup.data->train_data, &setup.data->val_data}) {
    if (!*data) continue;
    const Index vocabulary = setup.data->vocabulary.size();
    check_inputs(**data, setup.data->inputs, network, vocabulary);
    check_targets(**data, network, setup.loss->outputs(), vocabulary);
  }
  check_answers(setup);
}

bool can_be_read(const std::string& file) {
  std::error_code none;
  return std::filesystem::is_regular_file(file, none) && ::access(file.c_str(), R_OK) == 0;
}

// What a rank other than the first was told. A machine without the file takes that of rank 0; a
// pipe is read but once.
config::Config parse_own(const Communicator& world, const config::Source& of_root,
                         const std::string& file, std::span<const config::Override> overrides) {
  try {
    const bool has_own = file != of_root.file || can_be_read(file);
    return config::parse(has_own ? config::read_source(file) : of_root, overrides, catalogue());
  } catch (const Error& error) {
    throw Error(ExitCode::config, fmt::format("{}\n  so it is for rank {} on {}; rank 0 was told "
                                              "something else, which is in order",
                                              error.what(), world.rank(), node_name()));
  }
}

void read_configuration(const Communicator& world, const std::string& file,
                        std::span<const config::Override> overrides, Setup& setup) {
  run_on_root(world, [&] {
    setup.source = config::read_source(file);
    setup.config = config::parse(setup.source, overrides, catalogue());
  });
  setup.source.file = broadcast_text(world, setup.source.file);
  setup.source.text = broadcast_text(world, setup.source.text);
  fail_together(world, [&] {
    if (world.rank() > 0) setup.config = parse_own(world, setup.source, file, overrides);
  });
  Facts told = config::values(setup.config, catalogue());
  told.erase("parallel.threads");
  require_same(world, told);
}

}  // namespace

Setup set_up(const Topology& topology, const std::string& config_file,
             std::span<const config::Override> overrides) {
  const Communicator& world = topology.ranks();
  Setup setup;
  read_configuration(world, config_file, overrides, setup);
  fail_together(world, [&] {
    setup.loss = build_loss(setup.config);
    setup.optimizer = build_optimizer(setup.config);
    static_cast<void>(learning_rate_scale(setup.config));  // a fault is told before data is read
  });
  setup.data = load_data(topology, setup.config, setup.loss->outputs());
  fail_together(world, [&] {
    if (!setup.config.augmentations.empty()) {
      if (setup.data->train_data->describe().is_text()) {
        throw setup.config.augmentations.front().error(
            "", "the symbols of a text are not changed; leave the [[augment]] sections out");
      }
      setup.augmenter = std::make_unique<Augmenter>(
          build_augmenter(setup.config, setup.data->train_data->shape(), setup.data->inputs));
      setup.data->train.augmenter = setup.augmenter.get();
    }
    setup.network = std::make_unique<Network>(build_network(
        setup.config, setup.data->train_data->shape(), setup.data->vocabulary.size()));
  });
  fail_together(world, [&] {
    const Shape output = setup.network->output_shape();
    if (!resolve_class_weights(setup.data->train, output, setup.config)) return;
    setup.loss = build_loss(setup.config);
  });
  run_on_root(world, [&] {
    check_stored(setup.config);
    check_network(setup);
    setup.notes = look_at(setup);
  });
  for (Samples* samples : {&setup.data->train, &setup.data->val}) {
    measure_answers(*samples, *setup.loss, setup.network->output_shape());
  }
  return setup;
}

int choose_threads(const Communicator& world, Index wanted) {
  int threads = static_cast<int>(wanted);
  const Communicator node = world.split_by_node();
  if (threads == 0 && std::getenv("OMP_NUM_THREADS") != nullptr) threads = thread_count();
  if (threads == 0) {
    const auto online = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
    threads = std::clamp(online / node.size(), 1, allowed_cpus());
  }
  fail_together(world, [threads] { start_threads(threads); });
  set_floating_point_mode_of_threads();
  return threads;
}

Index choose_microbatches(Index wanted, Index batch, int ranks, Index most) {
  Index count = wanted;
  if (count == 0) {
    const auto possible = static_cast<std::size_t>(std::min(batch, most));
    const auto enough =
        static_cast<Index>(std::bit_ceil(static_cast<std::size_t>(std::max(ranks, 8))));
    count = std::min(enough, static_cast<Index>(std::bit_floor(possible)));
  }
  if (batch < count) {
    throw Error(ExitCode::config,
                fmt::format("parallel.microbatches: a batch of {} samples cannot be cut into {} "
                            "microbatches\n  try: --set data.batch={}",
                            batch, count, count));
  }
  if (ranks > count) {
    throw Error(
        ExitCode::config,
        fmt::format("{} ranks were started, but every batch has {} microbatches, and a rank "
                    "computes at least one\n  try: mpirun -np {} ...",
                    ranks, count, count) +
            (wanted == 0 ? most < batch ? "; with more, batch_norm would see one value in each" : ""
                         : fmt::format("      or for a new run: --set parallel.microbatches={}",
                                       std::bit_ceil(static_cast<unsigned>(ranks)))));
  }
  return count;
}

}  // namespace lockstep
