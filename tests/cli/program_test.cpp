#include "cli/program.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>
#include <utility>

#include "cli/command.hpp"
#include "cli/failure.hpp"
#include "lockstep/base/current_error.hpp"
#include "lockstep/config/show.hpp"
#include "lockstep/run/metrics_log.hpp"
#include "lockstep/run/version.hpp"

namespace lockstep::cli {
namespace {

struct Result {
  ExitCode code;
  std::string out;
  std::string err;
};

Result trainer(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "trainer");
  std::ostringstream out, err;
  const ExitCode code = run_program(arguments, out, err);
  return {code, out.str(), err.str()};
}

/// A directory of its own, entered for the length of a test.
class Scratch {
 public:
  Scratch() : before_(std::filesystem::current_path()) {
    std::string name = (std::filesystem::temp_directory_path() / "program-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no scratch directory");
    path_ = name;
    std::filesystem::current_path(path_);
  }
  ~Scratch() {
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(path_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

 private:
  std::filesystem::path before_;
  std::filesystem::path path_;
};

TEST(ProgramTest, VersionIsTheVersionBlock) {
  const Result result = trainer({"--version"});
  EXPECT_EQ(result.code, ExitCode::ok);
  EXPECT_EQ(result.out, version_text() + "\n");
}

TEST(ProgramTest, HelpAndVersionAsPeopleTypeThem) {
  EXPECT_EQ(trainer({"-V"}).out, version_text() + "\n");
  EXPECT_EQ(trainer({"version"}).out, version_text() + "\n");
  EXPECT_EQ(trainer({"help"}).out, trainer({"--help"}).out);
  EXPECT_EQ(trainer({"help", "train"}).out, trainer({"train", "--help"}).out);
  EXPECT_EQ(trainer({"help", "config", "explain"}).out, trainer({"config", "explain", "-h"}).out);
  EXPECT_EQ(trainer({"help", "trian"}).code, ExitCode::usage);
}

TEST(ProgramTest, AKeyGivenAsAnOptionIsPointedAtSet) {
  const auto complaint = [](const std::string& option) {
    const Result result = trainer({"train", "my.toml", option});
    EXPECT_EQ(result.code, ExitCode::usage);
    return result.err.substr(0, result.err.find('\n'));
  };
  EXPECT_EQ(complaint("--lr=0.1"),
            "trainer: error: trainer train: unexpected argument '--lr=0.1'; a key of the "
            "configuration is set by --set optimizer.lr=0.1");
  EXPECT_TRUE(complaint("--data.batch").ends_with("--set data.batch=VALUE"));
  EXPECT_TRUE(complaint("--weight-decay=0.1").ends_with("--set optimizer.weight_decay=0.1"));
  EXPECT_TRUE(complaint("--epochs").ends_with("--set run.epochs=VALUE"));
  EXPECT_TRUE(complaint("--thread").ends_with("did you mean '--threads'?"));
  EXPECT_EQ(trainer({"inspect", "x.h5", "--lr=1"}).err.find("--set"), std::string::npos);
}

TEST(ProgramTest, ExplainFindsAWordAnywhere) {
  EXPECT_NE(trainer({"config", "explain", "momentum"}).out.find("optimizer.sgd.momentum\n"),
            std::string::npos);
  EXPECT_NE(trainer({"config", "explain", "lstm"}).out.find("layer.lstm "), std::string::npos);
  EXPECT_NE(trainer({"config", "explain", "microbatches"}).out.find("parallel.microbatches\n"),
            std::string::npos);
  EXPECT_NE(trainer({"config", "explain", "warm"}).out.find("schedule.warmup "), std::string::npos);
  const std::string padding = trainer({"config", "explain", "padding"}).out;
  const std::size_t similar = padding.find("\nOf a similar name:\nlayer.");
  ASSERT_NE(similar, std::string::npos) << padding;
  EXPECT_NE(padding.find("\nlayer.conv2d.pad ", similar), std::string::npos) << padding;
  EXPECT_EQ(padding.find("augment.crop.padding", similar), std::string::npos) << padding;
  const std::string all = trainer({"config", "explain", "--all"}).out;
  for (const std::string key : {"run.seed", "optimizer.adam.betas", "layer.conv2d.kernel"}) {
    EXPECT_NE(all.find("\n" + key + " "), std::string::npos) << key;
  }
  const Result both = trainer({"config", "explain", "momentum", "--all"});
  EXPECT_EQ(both.code, ExitCode::usage);
  EXPECT_NE(both.err.find("KEY excludes --all"), std::string::npos) << both.err;
}

TEST(ProgramTest, HelpListsEveryCommand) {
  const Result result = trainer({"--help"});
  EXPECT_EQ(result.code, ExitCode::ok);
  for (const auto& command : commands()) {
    EXPECT_NE(result.out.find("\n  " + std::string(command->name()) + " "), std::string::npos);
    EXPECT_NE(result.out.find(command->summary()), std::string::npos);
  }
}

TEST(ProgramTest, HelpOfACommandEndsWithItsExample) {
  for (const auto& command : commands()) {
    const Result result = trainer({std::string(command->name()), "--help"});
    EXPECT_EQ(result.code, ExitCode::ok);
    EXPECT_TRUE(result.out.ends_with("Example:\n  " + std::string(command->example()) + "\n"))
        << result.out;
    EXPECT_NE(command->example().find("trainer " + std::string(command->name())),
              std::string::npos);
  }
}

/// Every option says its default, or that it must be given.
void expect_documented(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_name() == "--help") continue;
    EXPECT_FALSE(option->get_description().empty()) << option->get_name();
    EXPECT_TRUE(option->get_required() ||
                option->get_description().find("(default: ") != std::string::npos)
        << app.get_name() << ' ' << option->get_name();
    EXPECT_TRUE(option->get_expected_max() == 0 || !option->get_type_name().empty())
        << app.get_name() << ' ' << option->get_name();
  }
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    expect_documented(*sub);
  }
}

TEST(ProgramTest, EveryOptionTellsTypeAndDefault) {
  for (const auto& command : commands()) {
    CLI::App app("", std::string(command->name()));
    command->add_options(app);
    expect_documented(app);
  }
}

TEST(ProgramTest, UnknownWordsGetAHint) {
  const Result command = trainer({"trin", "mlp.toml"});
  EXPECT_EQ(command.code, ExitCode::usage);
  EXPECT_EQ(command.out, "");
  EXPECT_EQ(command.err,
            "trainer: error: 'trin' is not a command; did you mean 'train'?\n"
            "  see: trainer --help\n");
  const Result option = trainer({"train", "mlp.toml", "--max-step", "3"});
  EXPECT_EQ(option.code, ExitCode::usage);
  EXPECT_EQ(option.err,
            "trainer: error: trainer train: unexpected argument '--max-step'; did you mean "
            "'--max-steps'?\n  see: trainer train --help\n");
  const Result nested = trainer({"config", "shwo", "mlp.toml"});
  EXPECT_EQ(nested.code, ExitCode::usage);
}

TEST(ProgramTest, BadCommandLinesAreUsageErrors) {
  const std::vector<std::vector<std::string>> all = {
      {},
      {"train"},
      {"train", "a.toml", "b.toml"},
      {"train", "a.toml", "--max-steps", "-5"},
      {"train", "a.toml", "--max-steps", "x"},
      {"train", "a.toml", "--max-time", "3 epochs"},
      {"train", "a.toml", "--max-time", "soon"},
      {"train", "a.toml", "--set"},
      {"eval"},
      {"eval", "c.h5", "--labels", "l"},
      {"predict", "c.h5", "--data", "d"},
      {"inspect"},
      {"config"},
      {"config", "show"},
      {"--verbose"},
  };
  for (const auto& arguments : all) {
    const Result result = trainer(arguments);
    EXPECT_EQ(result.code, ExitCode::usage) << testing::PrintToString(arguments);
    EXPECT_TRUE(result.err.starts_with("trainer: error: ")) << result.err;
    EXPECT_EQ(result.out, "");
  }
}

TEST(ProgramTest, OnlyTheFirstProcessSpeaks) {
  ::setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
  ::setenv("OMPI_COMM_WORLD_RANK", "1", 1);
  ::setenv("OMPI_COMM_WORLD_LOCAL_RANK", "1", 1);
  const Result help = trainer({"--help"});
  const Result wrong = trainer({"trian"});
  ::setenv("OMPI_COMM_WORLD_RANK", "0", 1);
  const Result first = trainer({"trian"});
  for (const char* name :
       {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK"}) {
    ::unsetenv(name);
  }
  EXPECT_EQ(help.code, ExitCode::ok);
  EXPECT_EQ(help.out, "");
  EXPECT_EQ(wrong.code, ExitCode::usage);
  EXPECT_EQ(wrong.err, "");
  EXPECT_NE(first.err, "");
}

TEST(ProgramTest, ConfigInitNeverOverwrites) {
  const Scratch scratch;
  EXPECT_EQ(trainer({"config", "init"}).out, config::starter());
  EXPECT_EQ(trainer({"config", "init", "mlp.toml"}).code, ExitCode::ok);
  std::ofstream("mlp.toml") << "mine";
  const Result again = trainer({"config", "init", "mlp.toml"});
  EXPECT_EQ(again.code, ExitCode::cannot_create);
  EXPECT_NE(again.err.find("mlp.toml exists"), std::string::npos);
  EXPECT_EQ(std::filesystem::file_size("mlp.toml"), 4U);
}

TEST(ProgramTest, ConfigShowTellsOriginsAndErrors) {
  const Scratch scratch;
  trainer({"config", "init", "mlp.toml"});
  const Result shown = trainer({"config", "show", "--set", "run.seed=9", "mlp.toml"});
  EXPECT_EQ(shown.code, ExitCode::ok) << shown.err;
  EXPECT_NE(shown.out.find("seed = 9"), std::string::npos) << shown.out;

  std::ofstream("bad.toml") << "[run]\nsede = 1\n";
  const Result bad = trainer({"config", "show", "bad.toml"});
  EXPECT_EQ(bad.code, ExitCode::config);
  EXPECT_TRUE(bad.err.starts_with("bad.toml:1:1: error: ")) << bad.err;
  EXPECT_NE(bad.err.find("bad.toml:2:1: error: unknown key 'sede'"), std::string::npos);
  EXPECT_EQ(trainer({"config", "show", "none.toml"}).code, ExitCode::no_input);
}

TEST(ProgramTest, ConfigExplainsAndPrintsSchemas) {
  EXPECT_EQ(trainer({"config", "explain"}).code, ExitCode::ok);
  EXPECT_NE(trainer({"config", "explain", "run.seed"}).out, "");
  EXPECT_EQ(trainer({"config", "explain", "run.sede"}).code, ExitCode::usage);
  EXPECT_EQ(trainer({"config", "schema", "--metrics"}).out, metrics_schema());
  EXPECT_TRUE(nlohmann::json::accept(trainer({"config", "schema"}).out));
}

std::string failure_text(const Error& error) {
  std::ostringstream err;
  print_failure(error, err);
  return err.str();
}

TEST(FailureTest, ErrorsArePrintedOnceAndInTheRightForm) {
  EXPECT_EQ(failure_text({ExitCode::io, "disk full"}), "trainer: error: disk full\n");
  EXPECT_EQ(failure_text({ExitCode::config, "a.toml:1:1: error: bad"}), "a.toml:1:1: error: bad\n");
  EXPECT_EQ(failure_text({ExitCode::config, "no layers"}), "trainer: error: no layers\n");
  EXPECT_EQ(failure_text({ExitCode::system, ""}), "");  // another process speaks
  const std::string bug = failure_text({ExitCode::internal, "index 3"});
  EXPECT_NE(bug.find("please report"), std::string::npos);
  EXPECT_NE(bug.find(version_text()), std::string::npos);
}

TEST(FailureTest, ALineThatCameWithANameIsNoLine) {
  EXPECT_EQ(
      failure_text({ExitCode::bad_data, "a\ntrainer: error: forged\x1b[2J.csv: bad\n  try b"}),
      "trainer: error: a\\ntrainer: error: forged\\x1b[2J.csv: bad\n  try b\n");
}

TEST(ProgramTest, AnEmptyTextIsNoName) {
  const std::vector<std::vector<std::string>> lines = {
      {"train", ""},
      {"train", "a.toml", "--resume", ""},
      {"train", "a.toml", "--run-dir="},
      {"train", "a.toml", "--run-dir", ""},
      {"train", "a.toml", "--seed", ""},
      {"train", "a.toml", "--threads", ""},
      {"train", "a.toml", "--max-time", ""},
      {"train", "a.toml", "--ranks-per-node", ""},
      {"launch", "--hosts", "", "train", "a.toml"},
      {"launch", "--hostfile", "", "train", "a.toml"},
      {"launch", "--mpirun", "", "train", "a.toml"},
      {"launch", "train", "a.toml", "--resume", ""},
      {"eval", ""},
      {"eval", "a.h5", "--data", ""},
      {"predict", "a.h5", "--data", "", "--out", "b.csv"},
      {"predict", "a.h5", "--data", "b.csv", "--out", ""},
      {"inspect", ""},
      {"export", "a.h5", "--out", ""},
      {"import", "", "--config", "a.toml", "--out", "b.h5"},
      {"import", "a.h5", "--config", "", "--out", "b.h5"},
      {"scale", "a.toml", "--ranks", "1", "--out", ""},
      {"data", "info", ""},
      {"data", "convert", "a.csv", "--out", ""},
      {"config", "show", ""},
      {"config", "init", ""},
      {"generate", ""}};
  for (const auto& line : lines) {
    const Result result = trainer(line);
    EXPECT_EQ(result.code, ExitCode::usage) << line[0] << result.err;
    // Options that must be given lack a value; of others it is said.
    EXPECT_TRUE(result.err.find("found an empty text") != std::string::npos ||
                result.err.find("required") != std::string::npos)
        << line[0] << result.err;
    EXPECT_EQ(result.out, "");
  }
}

// Before anything is read: none of the inputs exists.
TEST(ProgramTest, AnOutputIsAFileOfItsFormat) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> lines = {
      {{"export", "a.h5", "--out", "-"}, "not to standard output"},
      {{"import", "a.h5", "--config", "a.toml", "--out", "-"}, "not to standard output"},
      {{"data", "convert", "a.csv", "--out", "-"}, "not to standard output"},
      {{"data", "convert", "a.csv", "--out", "b.csv"}, "try: --out b.h5"}};
  for (const auto& [line, part] : lines) {
    const Result result = trainer(line);
    EXPECT_EQ(result.code, ExitCode::usage) << line[0] << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << line[0] << result.err;
  }
}

TEST(FailureTest, ExceptionsBecomeErrors) {
  const auto code_of = [](const auto& exception) {
    try {
      throw exception;
    } catch (...) {
      return current_error().code();
    }
  };
  EXPECT_EQ(code_of(Error(ExitCode::io, "x")), ExitCode::io);
  EXPECT_EQ(code_of(std::bad_alloc()), ExitCode::system);
  const auto failed = [](std::errc why) { return std::make_error_code(why); };
  EXPECT_EQ(code_of(std::system_error(failed(std::errc::resource_unavailable_try_again))),
            ExitCode::system)
      << "no thread";
  EXPECT_EQ(code_of(std::filesystem::filesystem_error("x", failed(std::errc::permission_denied))),
            ExitCode::no_permission);
  EXPECT_EQ(code_of(std::runtime_error("x")), ExitCode::internal);
}

}  // namespace
}  // namespace lockstep::cli
