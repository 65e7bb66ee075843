#include <fmt/format.h>

#include <ostream>

#include "cli/checkpoint_option.hpp"
#include "cli/command.hpp"
#include "cli/output_file.hpp"
#include "cli/text.hpp"
#include "lockstep/base/printable.hpp"
#include "lockstep/infer/weights.hpp"
#include "lockstep/io/atomic_file.hpp"
#include "lockstep/run/checkpoint_store.hpp"

namespace lockstep::cli {
namespace {

class Export : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "export"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Export the weights of a checkpoint for other programs";
  }
  [[nodiscard]] std::string_view example() const override {
    return "trainer export runs/digits-mlp/checkpoints/best.h5 --out digits.safetensors";
  }

  void add_options(CLI::App& app) override {
    add_checkpoint(app, checkpoint_);
    app.add_option("--out,--output", out_, "File to write")->type_name("FILE")->required();
    app.add_option("--format", format_, "Format of the file (default: safetensors)")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"safetensors"}));
    app.add_flag("--last", last_,
                 "Export the weights of the last step even if the checkpoint has their moving "
                 "average (default: the average, which eval and predict use)");
    app.add_flag("--force", force_, "Replace the file if it exists (default: off)");
  }

  ExitCode run(const Session& session) override {
    check_output(out_, force_, {checkpoint_});
    check_suffix(out_, "export", "safetensors", {"safetensors"});
    const StoredCheckpoint stored = find_checkpoint(checkpoint_);
    const std::string file_name = stored.path.string();
    tell_checkpoint(checkpoint_, file_name, session.err);
    tell_notes(stored.notes, session.err);
    const Hdf5Reader reader(stored.sealed.image, file_name);
    const ExportedWeights weights = export_weights(reader, file_name, last_);
    const std::vector<std::byte> file = write_safetensors(weights.content);
    write_atomically(out_, file);
    session.out << fmt::format("wrote {}: {} of step {}, {} bytes{}\n", printable(out_),
                               plural(weights.content.tensors.size(), "tensor"),
                               thousands(stored.sealed.step),
                               thousands(static_cast<Index>(file.size())),
                               weights.averaged ? ", the average of the weights" : "");
    if (!weights.exception.empty()) {
      session.out << fmt::format("note   {}\n", no_order_note(weights.exception));
    }
    return ExitCode::ok;
  }

 private:
  std::string checkpoint_;
  std::string out_;
  std::string format_ = "safetensors";
  bool last_ = false;
  bool force_ = false;
};

}  // namespace

std::unique_ptr<Command> export_command() { return std::make_unique<Export>(); }

}  // namespace lockstep::cli
