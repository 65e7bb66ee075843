#include <fmt/format.h>

#include <ostream>

#include "cli/assignments.hpp"
#include "cli/command.hpp"
#include "cli/mpi_program.hpp"
#include "cli/output_file.hpp"
#include "cli/text.hpp"
#include "lockstep/base/printable.hpp"
#include "lockstep/infer/weights.hpp"
#include "lockstep/io/weights_file.hpp"

namespace lockstep::cli {
namespace {

class Import : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "import"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Make a checkpoint from the weights of another program";
  }
  [[nodiscard]] std::string_view example() const override {
    return "trainer import digits.safetensors --config scripts/configs/digits-mlp.toml "
           "--out imported.h5";
  }

  void add_options(CLI::App& app) override {
    app.add_option("FILE", request_.weights, "Weights as safetensors or HDF5")
        ->type_name("FILE")
        ->required();
    app.add_option("--config", request_.config_file, "Configuration with the network and its data")
        ->type_name("FILE")
        ->required();
    app.add_option("--out,--output", request_.out, "Checkpoint to write")
        ->type_name("FILE")
        ->required();
    app.add_option("--strip-prefix", request_.strip_prefix,
                   "Prefix to strip from tensor names, such as module. (default: the prefixes of "
                   "PyTorch's wrappers)")
        ->type_name("TEXT");
    add_assignments(app, assignments_);
    app.add_flag("--force", force_, "Replace the file if it exists (default: off)");
  }

  ExitCode run(const Session& session) override {
    request_.overrides = overrides_of(assignments_);
    check_output(request_.out, force_, {request_.weights, request_.config_file});
    check_suffix(request_.out, "import", "a checkpoint in HDF5", {"h5", "hdf5", "hdf", "ckpt"});
    const std::vector<std::byte> file = read_weights_file(request_.weights);  // before MPI starts
    const Safetensors weights = read_safetensors(file, request_.weights);
    return run_on_ranks(
        session.told,
        [&](const Communicator& world) {
          const ImportedWeights imported = import_weights(world, request_, weights);
          if (world.rank() == 0) say(imported, session);
          return ExitCode::ok;
        },
        session.err);
  }

 private:
  void say(const ImportedWeights& imported, const Session& session) const {
    for (const std::string& note : imported.notes)
      session.out << fmt::format("note  {}\n", printable_message(note));
    session.out << fmt::format("wrote {}: {} parameters at step 0\nnext  {}\n",
                               printable(request_.out), thousands(imported.learned), next_command())
                << std::flush;
  }

  /// What trains on from the checkpoint.
  [[nodiscard]] std::string next_command() const {
    std::string line = "trainer train " + shell_quoted(request_.config_file);
    for (const std::string& assignment : assignments_) line += " --set " + shell_quoted(assignment);
    return line + " --resume " + shell_quoted(request_.out);
  }

  ImportRequest request_;
  std::vector<std::string> assignments_;
  bool force_ = false;
};

}  // namespace

std::unique_ptr<Command> import_command() { return std::make_unique<Import>(); }

}  // namespace lockstep::cli
