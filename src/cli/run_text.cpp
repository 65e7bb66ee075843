#include "cli/run_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cli/text.hpp"
#include "lockstep/base/printable.hpp"
#include "lockstep/comm/environment.hpp"
#include "lockstep/run/run_files.hpp"
#include "lockstep/run/version.hpp"

namespace lockstep::cli {
namespace {

struct Tally {
  std::size_t names = 0;
  std::string list;  ///< "n1:2 n2:2", in the order in which the names first appear
};

Tally tally_of(const std::vector<std::string>& name_of_rank) {
  std::vector<std::string> names;
  Tally tally;
  for (const std::string& name : name_of_rank) {
    if (std::ranges::find(names, name) != names.end()) continue;
    names.push_back(name);
    tally.list += fmt::format("{}{}:{}", tally.list.empty() ? "" : " ", printable(name),
                              std::ranges::count(name_of_rank, name));
  }
  tally.names = names.size();
  return tally;
}

/// "2 nodes (n1:2 n2:2)".
std::string nodes_text(const std::vector<std::string>& node_of_rank) {
  const Tally tally = tally_of(node_of_rank);
  return fmt::format("{} ({})", plural(tally.names, "node"), tally.list);
}

/// "x86-64-v3", or "x86-64-v3:2 x86-64-v4:6".
std::string instruction_sets_text(const std::vector<std::string>& set_of_rank) {
  const Tally tally = tally_of(set_of_rank);
  return tally.names == 1 ? set_of_rank.front() : tally.list;
}

std::string batch_text(const RunStart& start) {
  const bool even = start.batch % start.ranks == 0 && start.microbatches % start.ranks == 0;
  const std::string per_rank = even && start.ranks > 1
                                   ? fmt::format(" = {} per rank", start.batch / start.ranks)
                                   : std::string();
  return fmt::format("batch {} global{}, {} microbatches, {} steps per epoch",
                     thousands(start.batch), per_rank, start.microbatches,
                     thousands(start.steps_per_epoch));
}

Index parameters_of(const Network& network, const Network::Node& node) {
  Index count = 0;
  for (const Parameter& p : network.parameters().parameters()) {
    const auto& mine = node.parameter_offsets;
    if (p.spec.role() == Role::statistic) continue;
    if (std::ranges::find(mine, p.offset) != mine.end()) count += p.spec.size();
  }
  return count;
}

std::string mflop(double multiply_adds) { return fmt::format("{:.2f}", 2 * multiply_adds / 1e6); }

std::string layers_text(const Network& network) {
  std::vector<std::vector<std::string>> rows = {
      {"#", "layer", "type", "output", "params", "MFLOP/sample"}};
  double multiply_adds = 0;
  for (const Network::Node& node : network.nodes()) {
    multiply_adds += node.multiply_adds;
    rows.push_back({fmt::format("{}", rows.size() - 1), node.name, std::string(node.layer->type()),
                    shape_text(node.output), thousands(parameters_of(network, node)),
                    mflop(node.multiply_adds)});
  }
  rows.push_back(
      {"", "total", "", "", thousands(network.parameters().count()), mflop(multiply_adds)});
  return table(rows, {false, true, true, false, false, false});
}

const Metric* find(const std::vector<Metric>& metrics, std::string_view name) {
  const auto found = std::ranges::find(metrics, name, &Metric::name);
  return found == metrics.end() ? nullptr : &*found;
}

/// The metrics that people compare.
std::string headline(const std::vector<Metric>& metrics) {
  std::string text;
  for (const Metric& m : metrics) {
    if (!metric_row(m.name).headline) continue;
    text += (text.empty() ? "" : "  ") + metric_text(m.name, m.value);
  }
  return text;
}

/// "  loss 0.0981  val 0.0592  acc 98.09 %".
std::string figures_text(const EpochEvent& epoch) {
  std::string text;
  if (const Metric* loss = find(epoch.train, "loss")) text += "  loss " + significant(loss->value);
  if (const Metric* loss = find(epoch.val, "loss")) text += "  val " + significant(loss->value);
  if (epoch.val.empty() && !headline(epoch.train).empty()) {
    text += "  train " + headline(epoch.train);
  } else if (!headline(epoch.val).empty()) {
    text += "  " + headline(epoch.val);
  }
  return text;
}

double work_of(const RankTimes& rank) { return rank.times.work(); }

std::string slowest_text(const TimesEvent& event) {
  std::vector<double> work;
  for (const RankTimes& rank : event.ranks) work.push_back(work_of(rank));
  std::ranges::sort(work);
  const double median = (work[(work.size() - 1) / 2] + work[work.size() / 2]) / 2;
  const RankTimes& slowest = *std::ranges::max_element(event.ranks, {}, work_of);
  return fmt::format("  slowest rank {} on {}, {:+.1f} % work over the median\n", slowest.rank,
                     printable(slowest.node),
                     100 * (work_of(slowest) / std::max(median, 1e-12) - 1));
}

std::string memory_text(const MemoryUse& memory) {
  std::string text;
  if (memory.node > 0) {
    text = fmt::format("memory {} per node, at most {} while it starts or saves\n      ",
                       byte_size(memory.node), byte_size(memory.most));
  } else {
    text = "memory";
  }
  return text + fmt::format(
                    " per rank {} activations, {} gradients, {} optimizer\n"
                    "       per node {} parameters, {} data\n",
                    byte_size(memory.activations), byte_size(memory.gradients),
                    byte_size(memory.optimizer), byte_size(memory.parameters),
                    byte_size(memory.data));
}

}  // namespace

std::string header_text(const RunStart& start) {
  std::string text = fmt::format("{}  {} x {} on {}  {}  {}\n", version_line(),
                                 plural(static_cast<std::uint64_t>(start.ranks), "rank"),
                                 plural(static_cast<std::uint64_t>(start.threads), "thread"),
                                 nodes_text(start.nodes), mpi_library(),
                                 instruction_sets_text(start.instruction_sets));
  text +=
      fmt::format("run    {}     config {}{}     seed {}\n", printable(start.directory),
                  printable(start.config_file),
                  start.overrides == 0 ? std::string()
                                       : fmt::format(" ({})", plural(start.overrides, "override")),
                  start.seed);
  if (!start.resumed_from.empty()) {
    text += fmt::format("resume {} at step {}, segment {}\n", printable(start.resumed_from),
                        thousands(start.first_step), start.segment);
  }
  const std::string val = start.val_samples == 0
                              ? std::string()
                              : fmt::format("  val {}{}", thousands(start.val_samples),
                                            start.held_out ? " held out" : "");
  const std::string input =
      start.network == nullptr ? std::string() : shape_text(start.network->input_shape()) + " ";
  text += fmt::format("data   train {}{}  {}{}    {}\n", thousands(start.train_samples), val, input,
                      start.input_type, batch_text(start));
  if (start.memory.activations > 0) text += memory_text(start.memory);
  for (const std::string& note : start.notes)
    text += fmt::format("note   {}\n", printable_message(note));
  if (start.network != nullptr) text += "\n" + layers_text(*start.network);
  return text + "\n";
}

std::string epoch_text(const EpochEvent& epoch) {
  const int width = std::max(2, static_cast<int>(std::to_string(epoch.epochs).size()));
  return fmt::format("epoch {:>{}}/{} {:>5} steps {} {}lr {}  {} samples/s  {}", epoch.epoch, width,
                     epoch.epochs, thousands(epoch.steps), figures_text(epoch),
                     epoch.best ? '*' : ' ', significant(epoch.learning_rate),
                     rate(epoch.samples_per_second), duration(epoch.seconds));
}

std::string short_epoch_text(const EpochEvent& epoch) {
  const int width = std::max(2, static_cast<int>(std::to_string(epoch.epochs).size()));
  return fmt::format("epoch {:>{}}/{}{} {}lr {}  {}", epoch.epoch, width, epoch.epochs,
                     figures_text(epoch), epoch.best ? '*' : ' ', significant(epoch.learning_rate),
                     duration(epoch.seconds));
}

std::string times_text(const TimesEvent& event) {
  if (event.ranks.empty() || event.steps == 0) return {};
  const auto steps = static_cast<double>(event.steps);
  StepTimes mean;
  for (const RankTimes& rank : event.ranks) mean += rank.times;
  for (double& s : mean.seconds) s /= steps * static_cast<double>(event.ranks.size());
  const auto ms = [](double seconds) { return fmt::format("{:.2f}", 1e3 * seconds); };
  const bool several = event.ranks.size() > 1;
  std::vector<std::vector<std::string>> rows(2);
  for (std::size_t i = 0; i < kPartRows.size(); ++i) {
    if (!several && kPartRows[i].kind == PartKind::exchange) continue;
    rows[0].emplace_back(kPartRows[i].name);
    rows[1].push_back(ms(mean.seconds[i]));
  }
  rows[0].insert(rows[0].begin(), "  ms per step");
  rows[1].insert(rows[1].begin(), several ? "  mean of ranks" : "");
  rows[0].emplace_back("total");
  rows[1].push_back(ms(mean.total()));
  std::vector<bool> left(rows[0].size(), false);
  left[0] = true;
  return table(rows, left) + (several ? slowest_text(event) : "");
}

std::string milestones_text(const RunEnd& end) {
  if (end.milestones.empty()) return {};
  std::string list;
  double seconds = -1;
  for (const Milestone& milestone : end.milestones) {
    const bool first = list.empty();
    list += fmt::format("{}{:.0f} % ", first ? "" : ", ", 100 * milestone.error);
    if (milestone.step == 0) {  // so are all later ones
      list += "not reached";
      break;
    }
    const std::string step = thousands(milestone.step);
    list += first ? "after " + plural(milestone.step, "step") : step;
    seconds = std::max(seconds, milestone.seconds);
  }
  return fmt::format("error  {}{}\n", list,
                     seconds < 0 ? std::string() : fmt::format(" ({:.1f} s)", seconds));
}

std::string done_text(const RunEnd& end, const std::string& directory) {
  std::string text = end.reason.empty() ? "" : fmt::format("stop   {}\n", printable(end.reason));
  text += fmt::format("done   {}, {} in {}", plural(end.epochs, "epoch"), plural(end.step, "step"),
                      duration(end.seconds));
  if (end.best) {
    text += fmt::format("   best {} (step {})   {}/{}/{}",
                        metric_text(end.best->metric, end.best->value), thousands(end.best->step),
                        printable(directory), kCheckpointFolder, kBestLink);
  } else {
    text += "   " + printable(directory);
  }
  text += fmt::format("\nspeed  {} samples/s\n", rate(end.samples_per_second));
  if (!end.digest.empty()) text += fmt::format("digest {}\n", end.digest);
  return text;
}

}  // namespace lockstep::cli
