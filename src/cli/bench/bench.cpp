#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <numeric>
#include <ostream>

#include "cli/bench/measure.hpp"
#include "cli/command.hpp"
#include "cli/counts.hpp"
#include "cli/mpi_program.hpp"
#include "cli/text.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/comm/launcher.hpp"
#include "lockstep/config/value.hpp"

namespace lockstep::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kMicro = 1e6;
constexpr double kGiga = 1e9;
constexpr double kMega = 1e6;

Index bytes_of(std::string_view option, const std::string& text, Index unit) {
  const auto bytes = config::parse_bytes(text);
  constexpr Index kLargest = Index{1} << 32;
  if (!bytes || *bytes < unit || *bytes > kLargest || *bytes % unit != 0) {
    throw Error(ExitCode::usage,
                fmt::format("{}: '{}' is not a size from {} B to 4 GiB in multiples of {} B; "
                            "examples: 64KiB, \"16 MiB\"",
                            option, text, unit, unit));
  }
  return *bytes;
}

/// Mean, least and most of one number of each rank.
struct OverRanks {
  double mean = 0, least = 0, most = 0;
};

OverRanks over_ranks(const Communicator& ranks, double mine) {
  const auto size = static_cast<std::size_t>(ranks.size());
  std::vector<double> all(size);
  ranks.all_gather({&mine, 1}, all);
  return {std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(size),
          *std::ranges::min_element(all), *std::ranges::max_element(all)};
}

class Bench : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "bench"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Benchmark this machine: gradient exchange, matrix products, storage";
  }
  [[nodiscard]] std::string_view example() const override { return "trainer bench io --size 1MiB"; }

  void add_options(CLI::App& app) override {
    app.require_subcommand(1);
    exchange_ = app.add_subcommand(
        "exchange",
        "Gradient exchange of a training step compared with MPI_Allreduce; run under mpirun");
    exchange_
        ->add_option("--sizes", sizes_,
                     "Sizes of the gradient (default: 4KiB to 64MiB in steps of 4x)")
        ->type_name("SIZE,...")
        ->delimiter(',');
    exchange_
        ->add_option("--iterations", iterations_,
                     "Exchanges in each of the 5 rounds (default: as many as take about 50 ms)")
        ->type_name("N")
        ->check(CLI::Range(1, 1'000'000));
    exchange_
        ->add_option(
            "--ranks-per-node", ranks_per_node_,
            "Treat every N ranks of a machine as a separate node (default: one node per machine)")
        ->type_name("N,...");
    exchange_->add_flag("--update", update_,
                        "Include the optimizer step (sgd with momentum) (default: off)");
    exchange_->footer("Example:\n  trainer bench exchange --sizes 4KiB --iterations 3");

    matmul_ = app.add_subcommand("matmul",
                                 "Matrix products of a layer compared with Eigen's and oneDNN's");
    matmul_
        ->add_option("--shape", shape_,
                     "ROWS,INPUTS,OUTPUTS of one layer (default: four typical shapes)")
        ->type_name("M,K,N")
        ->delimiter(',')
        ->expected(3)
        ->check(CLI::Range(1, 1 << 16));
    matmul_->footer("Example:\n  trainer bench matmul --shape 64,128,10");

    io_ = app.add_subcommand("io", "Writing, reading and checksumming files as for checkpoints");
    io_->add_option("--dir", directory_,
                    "Directory of the test file (default: the current directory)")
        ->type_name("DIR");
    io_->add_option("--size", size_, "Size of the test file (default: 64MiB)")->type_name("SIZE");
    io_->footer("Example:\n  trainer bench io --dir . --size 1MiB");
    for (CLI::App* sub : {exchange_, matmul_, io_}) {
      sub->add_flag("--json", json_, "Print one JSON object per line (default: off)");
    }
  }

  ExitCode run(const Session& session) override {
    if (exchange_->parsed()) return exchange(session);
    if (launch_of_this_process().rank != 0)
      return ExitCode::ok;  // under mpirun they would disturb each other
    if (matmul_->parsed()) return matmul(session.out);
    return storage(session.out);
  }

 private:
  ExitCode exchange(const Session& session) {
    std::vector<Index> sizes;
    for (const std::string& size : sizes_) sizes.push_back(bytes_of("--sizes", size, sizeof(Real)));
    for (Index s = 4096; sizes_.empty() && s <= Index{64} << 20; s *= 4) sizes.push_back(s);
    std::vector<int> node_sizes;
    if (!ranks_per_node_.empty()) node_sizes = counts_of("--ranks-per-node", ranks_per_node_);
    return run_on_ranks(
        session.told,
        [&](const Communicator& world) {
          const Topology topology(world, node_sizes);
          set_thread_count(1);
          if (world.rank() == 0 && !json_) session.out << exchange_header(topology);
          for (const Index size : sizes) exchange_of(topology, size, session.out);
          return ExitCode::ok;
        },
        session.err);
  }

  [[nodiscard]] std::string exchange_header(const Topology& topology) const {
    return fmt::format(
        "# trainer bench exchange{}  {} on {}\n"
        "# {:>10} {:>17} {:>19} {:>19} {:>12} {:>19} {:>8}\n",
        update_ ? " with update" : "",
        plural(static_cast<std::uint64_t>(topology.ranks().size()), "rank"),
        plural(static_cast<std::uint64_t>(topology.nodes()), "node"), "Size", "Avg Latency(us)",
        "Min Latency(us)", "Max Latency(us)", "Iterations", "MPI_Allreduce(us)", "Ratio");
  }

  void exchange_of(const Topology& topology, Index bytes, std::ostream& out) const {
    const Index numbers = bytes / static_cast<Index>(sizeof(Real));
    const ExchangeTimes times = measure_exchange(topology, numbers, update_, iterations_);
    const OverRanks ours = over_ranks(topology.ranks(), kMicro * times.ours);
    const OverRanks theirs = over_ranks(topology.ranks(), kMicro * times.all_reduce);
    if (topology.ranks().rank() != 0) return;
    if (json_) {
      out << Json{{"size", bytes},
                  {"ranks", topology.ranks().size()},
                  {"nodes", topology.nodes()},
                  {"update", update_},
                  {"avg_us", ours.mean},
                  {"min_us", ours.least},
                  {"max_us", ours.most},
                  {"iterations", times.iterations},
                  {"all_reduce_us", theirs.mean}}
                 .dump()
          << "\n";
    } else {
      out << fmt::format("{:>12} {:>17.2f} {:>19.2f} {:>19.2f} {:>12} {:>19.2f} {:>8.2f}\n", bytes,
                         ours.mean, ours.least, ours.most, times.iterations, theirs.mean,
                         theirs.mean / ours.mean);
    }
    out << std::flush;
  }

  ExitCode matmul(std::ostream& out) const {
    set_thread_count(1);
    std::vector<std::array<Index, 3>> shapes = {
        {1024, 2048, 2048}, {512, 784, 512}, {128, 2048, 2048}, {512, 256, 10}};
    if (!shape_.empty()) shapes = {{shape_[0], shape_[1], shape_[2]}};
    if (!json_) {
      out << fmt::format("{:<12} {:>6} {:>7} {:>8} {:>8} {:>8} {:>8} {:>9}   GFLOP/s, one thread\n",
                         "product", "rows", "inputs", "outputs", "ours", "Eigen", "oneDNN",
                         "of peak");
    }
    double peak = 0;
    for (const auto& [rows, inputs, outputs] : shapes) {
      for (const ProductSpeed& s : measure_products(rows, inputs, outputs)) {
        peak = s.peak;
        out << product_text(s) << std::flush;
      }
    }
    if (!json_)
      out << fmt::format("peak of the multiply-add units: {:.1f} GFLOP/s\n", peak / kGiga);
    return ExitCode::ok;
  }

  [[nodiscard]] std::string product_text(const ProductSpeed& s) const {
    if (json_) {
      return Json{{"product", std::string(s.product)},
                  {"rows", s.rows},
                  {"inputs", s.inputs},
                  {"outputs", s.outputs},
                  {"ours_gflops", s.ours / kGiga},
                  {"eigen_gflops", s.eigen / kGiga},
                  {"onednn_gflops", s.onednn > 0 ? Json(s.onednn / kGiga) : Json()},
                  {"peak_gflops", s.peak / kGiga}}
                 .dump() +
             "\n";
    }
    return fmt::format("{:<12} {:>6} {:>7} {:>8} {:>8.1f} {:>8.1f} {:>8} {:>8.1f}%\n", s.product,
                       s.rows, s.inputs, s.outputs, s.ours / kGiga, s.eigen / kGiga,
                       s.onednn > 0 ? fmt::format("{:.1f}", s.onednn / kGiga) : "-",
                       100 * s.ours / s.peak);
  }

  ExitCode storage(std::ostream& out) const {
    const Index bytes = bytes_of("--size", size_, 1);
    const StorageSpeed speed = measure_storage(directory_, bytes);
    if (json_) {
      out << Json{{"bytes", bytes},
                  {"write_mb_s", speed.write / kMega},
                  {"read_mb_s", speed.read / kMega},
                  {"digest_mb_s", speed.digest / kMega}}
                 .dump()
          << "\n";
    } else {
      out << fmt::format(
          "file of {} bytes in {}\n"
          "write   {:>8.0f} MB/s   temporary file, fsync, rename, fsync of the directory\n"
          "read    {:>8.0f} MB/s   just written: mostly from memory\n"
          "digest  {:>8.0f} MB/s   XXH3, 128 bits\n",
          thousands(bytes), directory_, speed.write / kMega, speed.read / kMega,
          speed.digest / kMega);
    }
    return ExitCode::ok;
  }

  CLI::App* exchange_ = nullptr;
  CLI::App* matmul_ = nullptr;
  CLI::App* io_ = nullptr;
  std::vector<std::string> sizes_;
  std::string ranks_per_node_;
  Index iterations_ = 0;
  bool update_ = false;
  std::vector<Index> shape_;
  std::string directory_ = ".";
  std::string size_ = "64MiB";
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> bench_command() { return std::make_unique<Bench>(); }

}  // namespace lockstep::cli
