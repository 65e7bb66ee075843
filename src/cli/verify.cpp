#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/command.hpp"
#include "cli/counts.hpp"
#include "cli/mpi_program.hpp"
#include "cli/text.hpp"
#include "lockstep/base/instruction_set.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/comm/environment.hpp"
#include "lockstep/run/version.hpp"
#include "lockstep/setup/setup.hpp"
#include "lockstep/train/known_runs.hpp"

namespace lockstep::cli {
namespace {

class Verify : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "verify"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Train six small networks and compare the results with known digests";
  }
  [[nodiscard]] std::string_view example() const override { return "trainer verify"; }

  void add_options(CLI::App& app) override {
    app.add_option("--threads", threads_,
                   "Threads per rank (default: 0, what the affinity mask allows)")
        ->type_name("N")
        ->check(whole_number(0));
    app.add_option(
           "--ranks-per-node", ranks_per_node_,
           "Treat every N ranks of a machine as a separate node (default: one node per machine)")
        ->type_name("N,...");
    app.add_flag("--json", json_, "Print one JSON object (default: off)");
  }

  ExitCode run(const Session& session) override {
    std::vector<int> node_sizes;
    if (!ranks_per_node_.empty()) node_sizes = counts_of("--ranks-per-node", ranks_per_node_);
    return run_on_ranks(
        session.told,
        [&](const Communicator& world) {
          fail_together(world, [&] { require_parts(world.size()); });
          const int threads = choose_threads(world, threads_);
          const Topology topology(world, node_sizes);
          std::vector<std::string> found;
          for (std::size_t i = 0; i < known_runs().size(); ++i) {
            found.push_back(train_known(topology, i));
          }
          if (world.rank() == 0) show(found, world.size(), threads, session);
          fail_together(world, [&] { require_right(found, world.rank()); });
          return ExitCode::ok;
        },
        session.err);
  }

 private:
  static void require_parts(int ranks) {
    if (ranks <= kKnownMicrobatches) return;
    throw Error(ExitCode::usage,
                fmt::format("verify: {} ranks were started, but batches have {} parts", ranks,
                            kKnownMicrobatches));
  }

  static void require_right(const std::vector<std::string>& found, int rank) {
    for (std::size_t i = 0; i < found.size(); ++i) {
      const KnownRun& known = known_runs()[i];
      if (found[i] == known.digest) continue;
      throw Error(ExitCode::desync,
                  fmt::format("{}: rank {} on {} ({}, {}) found {}, not {}\n  please report it "
                              "with what `trainer --version` says there",
                              known.name, rank, node_name(), processor_name(), instruction_set(),
                              found[i], known.digest));
    }
  }

  void show(const std::vector<std::string>& found, int ranks, int threads,
            const Session& session) const {
    if (json_) return show_json(found, ranks, threads, session.data);
    session.out << fmt::format("{}  {} x {}  {}  {}\n\n", version_line(),
                               plural(static_cast<std::uint64_t>(ranks), "rank"),
                               plural(static_cast<std::uint64_t>(threads), "thread"),
                               instruction_set(), processor_name());
    std::vector<std::vector<std::string>> rows{{"network", "digest", "", "what"}};
    for (std::size_t i = 0; i < found.size(); ++i) {
      const KnownRun& known = known_runs()[i];
      rows.push_back({std::string(known.name), found[i],
                      found[i] == known.digest ? "right" : "WRONG", std::string(known.what)});
    }
    // The first rank that leaves with an error ends the others.
    session.out << table(rows, {true, true, true, true}) << std::flush;
  }

  static void show_json(const std::vector<std::string>& found, int ranks, int threads,
                        std::ostream& out) {
    nlohmann::ordered_json json = {{"version", version_line()},
                                   {"instruction_set", instruction_set()},
                                   {"processor", processor_name()},
                                   {"ranks", ranks},
                                   {"threads", threads}};
    for (std::size_t i = 0; i < found.size(); ++i) {
      json["runs"].push_back({{"name", known_runs()[i].name},
                              {"digest", found[i]},
                              {"known", known_runs()[i].digest},
                              {"right", found[i] == known_runs()[i].digest}});
    }
    out << json.dump() << "\n" << std::flush;
  }

  Index threads_ = 0;
  std::string ranks_per_node_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> verify_command() { return std::make_unique<Verify>(); }

}  // namespace lockstep::cli
