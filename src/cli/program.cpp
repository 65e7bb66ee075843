#include "cli/program.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ostream>
#include <thread>

#include "cli/command.hpp"
#include "cli/facts.hpp"
#include "cli/failure.hpp"
#include "cli/mpi_program.hpp"
#include "cli/output.hpp"
#include "cli/terminal.hpp"
#include "config/search.hpp"
#include "config/suggest.hpp"
#include "lockstep/base/current_error.hpp"
#include "lockstep/comm/environment.hpp"
#include "lockstep/comm/launcher.hpp"
#include "lockstep/run/version.hpp"
#include "lockstep/setup/catalogue.hpp"

namespace lockstep::cli {
namespace {

using Commands = std::vector<std::unique_ptr<Command>>;

Error usage_error(const std::string& message, const std::string& help_of) {
  return {ExitCode::usage, fmt::format("{}\n  see: {} --help", message, help_of)};
}

/// "; did you mean 'train'?", or nothing if no known name is near.
std::string hint(const std::string& name, const std::vector<std::string>& known) {
  const std::string near = config::nearest(name, known);
  return near.empty() ? std::string() : fmt::format("; did you mean '{}'?", near);
}

/// `trainer help COMMAND` is `trainer COMMAND --help`, `trainer version` is `trainer --version`.
std::vector<std::string> without_words_for_options(std::vector<std::string> arguments) {
  if (arguments.size() < 2) return arguments;
  if (arguments[1] == "version" && arguments.size() == 2) arguments[1] = "--version";
  if (arguments[1] == "help") {
    arguments.erase(arguments.begin() + 1);
    arguments.emplace_back("--help");
  }
  return arguments;
}

/// The first argument that is no option must be a command. Returns the arguments as its options
/// have them.
std::vector<std::string> check_command(const std::vector<std::string>& arguments,
                                       const Commands& all) {
  if (arguments.size() < 2) throw usage_error("no command given", "trainer");
  const std::string& name = arguments[1];
  if (name.starts_with('-')) return arguments;
  std::vector<std::string> known;
  for (const auto& command : all) {
    if (command->name() == name) return command->spelled_out(arguments);
    known.emplace_back(command->name());
  }
  throw usage_error(fmt::format("'{}' is not a command{}", config::shown(name), hint(name, known)),
                    "trainer");
}

/// An option that is a key of the configuration: how it is set, where that can be done. Otherwise
/// `other`.
std::string hint_at_key(const std::string& name, const CLI::App& place, const std::string& other) {
  if (!name.starts_with("--") || place.get_option_no_throw("--set") == nullptr) return other;
  const std::string key = config::key_to_set(catalogue(), name);
  if (key.empty()) return other;
  const std::size_t equals = name.find('=');
  return fmt::format(
      "; a key of the configuration is set by --set {}={}", key,
      equals == std::string::npos ? "VALUE" : config::shown(name.substr(equals + 1)));
}

/// The innermost subcommand that was given, for its options and its name.
const CLI::App& innermost(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : innermost(*chosen.front());
}

std::string full_name(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name()
                                     : full_name(*app.get_parent()) + " " + app.get_name();
}

Error parse_failure(const CLI::ParseError& error, const CLI::App& app) {
  const CLI::App& place = innermost(app);
  const std::vector<std::string> extra = app.remaining(true);
  if (dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr || extra.empty()) {
    return usage_error(fmt::format("{}: {}", full_name(place), error.what()), full_name(place));
  }
  std::vector<std::string> known;
  for (const CLI::Option* option : place.get_options()) known.push_back(option->get_name());
  for (const CLI::App* command : place.get_subcommands({})) known.push_back(command->get_name());
  return usage_error(
      fmt::format("{}: unexpected argument '{}'{}", full_name(place), config::shown(extra.front()),
                  hint_at_key(extra.front(), place, hint(extra.front(), known))),
      full_name(place));
}

/// An empty text is no name of a file, no number and no list: only a TEXT may be empty.
void refuse_empty_values(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_type_name() == "TEXT") continue;
    for (const std::string& value : option->results()) {
      if (!value.empty()) continue;
      throw usage_error(fmt::format("{}: {}: expected {}, found an empty text", full_name(app),
                                    option->get_name(), option->get_type_name()),
                        full_name(app));
    }
  }
  for (const CLI::App* command : app.get_subcommands()) refuse_empty_values(*command);
}

void describe(CLI::App& app, const Commands& all) {
  app.set_version_flag("-V,--version", version_text, "Print version, build and libraries");
  app.set_help_flag("-h,--help", "Print this help");
  app.require_subcommand(1);
  app.footer("Options of a command: trainer COMMAND --help");
  for (const auto& command : all) {
    CLI::App* sub =
        app.add_subcommand(std::string(command->name()), std::string(command->summary()));
    command->add_options(*sub);
    sub->footer(fmt::format("Example:\n  {}", command->example()));
  }
}

/// Where mpirun was given several command lines, the others may wait for this process in MPI, also
/// if what it was told needs none.
ExitCode meet_others(const Facts& told, std::ostream& err) {
  if (launch_of_this_process().programs == 1 || mpi_was_started()) return ExitCode::ok;
  return run_on_ranks(
      told, [](const Communicator&) { return ExitCode::ok; }, err);
}

ExitCode dispatch(const std::vector<std::string>& arguments, const Session& session,
                  std::ostream& help) {
  const Commands all = commands();
  const std::vector<std::string> words = check_command(without_words_for_options(arguments), all);
  CLI::App app("Trains neural networks on any number of processes, with the same bits on each.",
               "trainer");
  describe(app, all);
  try {
    app.parse(std::vector<std::string>(words.rbegin(), std::prev(words.rend())));
  } catch (const CLI::Success& success) {  // --help, --version
    app.exit(success, help, help);
    return meet_others(facts_of(app), session.err);
  } catch (const CLI::ParseError& error) {
    throw parse_failure(error, app);
  }
  refuse_empty_values(app);
  const auto chosen = std::ranges::find_if(
      all, [&](const auto& command) { return app.got_subcommand(std::string(command->name())); });
  const Session here = {session.arguments, facts_of(app), session.out,
                        session.err,       session.raw,   session.data};
  const ExitCode code = (*chosen)->run(here);
  return code == ExitCode::ok ? meet_others(here.told, session.err) : code;
}

/// Errors of the command line are the same on all ranks of one command line: the first speaks for
/// all. Any other process waits a while before it speaks: mpirun has ended it by then if the first
/// has failed, too.
void report(const Error& error, std::ostream& err) {
  constexpr auto kUntilEnded = std::chrono::seconds(3);
  const Launch launch = launch_of_this_process();
  if (launch.rank == 0) return print_failure(error, err);
  std::this_thread::sleep_for(kUntilEnded);
  const bool may_be_alone =
      launch.programs > 1 || (launch.local_rank == 0 && error.code() != ExitCode::usage);
  if (!may_be_alone || std::string_view(error.what()).empty()) return;
  print_failure(Error(error.code(),
                      fmt::format("rank {} of {}: {}", launch.rank, launch.ranks, error.what())),
                err);
}

/// Whether a person sees standard output at once. Under mpirun each rank has a terminal without
/// columns.
bool shows_output() { return standard_output_style().columns > 0; }

}  // namespace

ExitCode run_program(const std::vector<std::string>& arguments, std::ostream& out,
                     std::ostream& err) {
  // Under mpirun every process comes here before there are ranks: one of them speaks.
  std::ostream silent(nullptr);
  const bool speaks = launch_of_this_process().rank == 0;
  PrintableBuffer shown_out(out);
  PrintableBuffer shown_err(err);
  std::ostream safe_out(&shown_out);
  std::ostream safe_err(&shown_err);
  std::ostream& data = shows_output() ? safe_out : out;
  try {
    const ExitCode code = dispatch(arguments, {arguments, {}, safe_out, safe_err, out, data},
                                   speaks ? safe_out : silent);
    safe_out.flush();
    require_written(out);
    return code;
  } catch (...) {
    const Error error = current_error();
    report(error, safe_err);
    return error.code();
  }
}

}  // namespace lockstep::cli
