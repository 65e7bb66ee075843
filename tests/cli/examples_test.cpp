// Runs the examples of the help as they stand there, one after the other: each works on what the
// earlier ones left. LOCKSTEP_TRAINER is the program, LOCKSTEP_SOURCE_DIR the root of the sources.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "cli/command.hpp"

namespace lockstep::cli {
namespace {

namespace fs = std::filesystem;

/// The command lines behind "Example:" in the help of an app and of its subcommands.
void collect_examples(const CLI::App& app, std::vector<std::string>& examples) {
  const std::string footer = app.get_footer();
  const std::size_t line = footer.find("Example:\n  ");
  if (line != std::string::npos) examples.push_back(footer.substr(line + 11));
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    collect_examples(*sub, examples);
  }
}

std::vector<std::string> all_examples() {
  std::vector<std::string> examples;
  for (const auto& command : commands()) {
    examples.emplace_back(command->example());
    CLI::App app("", std::string(command->name()));
    command->add_options(app);
    collect_examples(app, examples);
  }
  return examples;
}

TEST(ExamplesTest, EachOneWorks) {
  const fs::path trainer = LOCKSTEP_TRAINER;
  const fs::path source = LOCKSTEP_SOURCE_DIR;
  std::string scratch = (fs::temp_directory_path() / "examples-XXXXXX").string();
  ASSERT_NE(::mkdtemp(scratch.data()), nullptr);
  fs::create_symlink(source / "datasets", fs::path(scratch) / "datasets");
  fs::create_symlink(source / "scripts", fs::path(scratch) / "scripts");
  const std::string prefix =
      "cd '" + scratch + "' && PATH='" + trainer.parent_path().string() + "':\"$PATH\" && ";
  for (const std::string& example : all_examples()) {
    EXPECT_EQ(
        std::system((prefix + example + " > out.txt 2>&1 || { cat out.txt; false; }").c_str()), 0)
        << example;
  }
  fs::remove_all(scratch);
}

}  // namespace
}  // namespace lockstep::cli
