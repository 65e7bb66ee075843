#include <fmt/format.h>

#include <ostream>

#include "cli/command.hpp"
#include "cli/mpi_program.hpp"
#include "cli/output_file.hpp"
#include "cli/text.hpp"
#include "lockstep/io/weights_file.hpp"
#include "lockstep/train/weights.hpp"

namespace lockstep::cli {
namespace {

class Import : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "import"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Make a checkpoint of the weights of another program";
  }
  [[nodiscard]] std::string_view example() const override {
    return "trainer import digits.safetensors --config scripts/configs/digits-mlp.toml "
           "--out imported.h5";
  }

  void add_options(CLI::App& app) override {
    app.add_option("FILE", request_.weights, "Weights as safetensors or HDF5")
        ->type_name("FILE")
        ->required();
    app.add_option("--config", request_.config_file, "Configuration of the network and its data")
        ->type_name("FILE")
        ->required();
    app.add_option("--out,--output", request_.out, "Checkpoint to write")
        ->type_name("FILE")
        ->required();
    app.add_option("--set", assignments_,
                   "Value that wins over the configuration, as for train; may be repeated "
                   "(default: none)")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    app.add_flag("--force", force_, "Replace the file if it exists (default: off)");
  }

  ExitCode run(const Session& session) override {
    for (const std::string& assignment : assignments_) request_.overrides.push_back({assignment});
    check_output(request_.out, force_);
    const std::vector<std::byte> file = read_weights_file(request_.weights);  // before MPI starts
    const Safetensors weights = read_safetensors(file, request_.weights);
    return run_on_ranks(
        [&](const Communicator& world) {
          const Index learned = import_weights(world, request_, weights);
          if (world.rank() == 0) {
            session.out << fmt::format(
                               "wrote {}: {} parameters at step 0\n"
                               "next  trainer train {} --resume {}\n",
                               request_.out, thousands(learned), shell_quoted(request_.config_file),
                               shell_quoted(request_.out))
                        << std::flush;
          }
          return ExitCode::ok;
        },
        session.err);
  }

 private:
  ImportRequest request_;
  std::vector<std::string> assignments_;
  bool force_ = false;
};

}  // namespace

std::unique_ptr<Command> import_command() { return std::make_unique<Import>(); }

}  // namespace lockstep::cli
