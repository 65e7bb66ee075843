#include <fmt/format.h>

#include <ostream>
#include <span>

#include "cli/assignments.hpp"
#include "cli/command.hpp"
#include "lockstep/config/parse.hpp"
#include "lockstep/config/show.hpp"
#include "lockstep/io/atomic_file.hpp"
#include "lockstep/io/file.hpp"
#include "lockstep/run/metrics_log.hpp"
#include "lockstep/setup/catalogue.hpp"

namespace lockstep::cli {
namespace {

void init(const std::string& file, std::ostream& out) {
  const std::string text = config::starter();
  if (file.empty()) {
    out << text;
    return;
  }
  if (file_exists(file)) {
    throw Error(ExitCode::cannot_create,
                fmt::format("{} exists, nothing was overwritten; give another name, or none to "
                            "print the text",
                            file));
  }
  write_atomically(file, std::as_bytes(std::span(text)));
  out << fmt::format("wrote {}; next: trainer train {}\n", file, file);
}

void show(const std::string& file, const std::vector<std::string>& assignments, std::ostream& out) {
  const config::Config config =
      config::parse(config::read_source(file), overrides_of(assignments), catalogue());
  out << config::resolved(config, catalogue());
}

class Config : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "config"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Write, check and explain configurations";
  }
  [[nodiscard]] std::string_view example() const override {
    return "trainer config explain optimizer.lr";
  }

  void add_options(CLI::App& app) override {
    app.require_subcommand(1);
    init_ = app.add_subcommand("init", "Write a commented configuration to start from");
    init_->add_option("FILE", file_, "New file (default: standard output)")->type_name("FILE");
    init_->footer("Example:\n  trainer config init mlp.toml");

    show_ =
        app.add_subcommand("show", "Check a configuration and print each value with its origin");
    show_->add_option("CONFIG", file_, "Configuration file")->type_name("FILE")->required();
    add_assignments(*show_, assignments_);
    show_->footer("Example:\n  trainer config show scripts/configs/digits-mlp.toml");

    explain_ = app.add_subcommand("explain", "Explain a section, a type or a key");
    CLI::Option* key =
        explain_
            ->add_option("KEY", key_,
                         "A key such as optimizer.lr, or any word (default: list the sections)")
            ->type_name("KEY");
    explain_->add_flag("--all", all_keys_, "List all keys, one per line (default: off)")
        ->excludes(key);
    explain_->footer(
        "Examples:\n  trainer config explain layer.linear\n  trainer config explain momentum");

    schema_ = app.add_subcommand("schema", "Print the JSON Schema of configurations, for editors");
    schema_->add_flag("--metrics", metrics_,
                      "Print the schema of metrics.jsonl lines instead (default: off)");
    schema_->footer("Example:\n  trainer config schema --metrics");
  }

  ExitCode run(const Session& session) override {
    if (init_->parsed()) init(file_, session.data);
    if (show_->parsed()) show(file_, assignments_, session.data);
    if (explain_->parsed()) {
      session.out << (all_keys_ ? config::explain_all_keys(catalogue())
                                : config::explain(catalogue(), key_));
    }
    if (schema_->parsed()) {
      session.out << (metrics_ ? metrics_schema() : config::json_schema(catalogue()));
    }
    session.out << std::flush;
    session.data << std::flush;
    return ExitCode::ok;
  }

 private:
  CLI::App* init_ = nullptr;
  CLI::App* show_ = nullptr;
  CLI::App* explain_ = nullptr;
  CLI::App* schema_ = nullptr;
  std::string file_;
  std::string key_;
  std::vector<std::string> assignments_;
  bool metrics_ = false;
  bool all_keys_ = false;
};

}  // namespace

std::unique_ptr<Command> config_command() { return std::make_unique<Config>(); }

}  // namespace lockstep::cli
