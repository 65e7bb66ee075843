#include "cli/checkpoint_option.hpp"

#include <ostream>

#include "lockstep/base/printable.hpp"

namespace lockstep::cli {

void add_checkpoint(CLI::App& app, std::string& checkpoint) {
  app.add_option("CHECKPOINT", checkpoint,
                 "Checkpoint file, or run directory: its best checkpoint, or else its newest")
      ->type_name("PATH")
      ->required();
}

void tell_checkpoint(const std::string& named, const std::string& taken, std::ostream& err) {
  if (named != taken) err << "checkpoint " << printable(taken) << "\n" << std::flush;
}

void tell_notes(const std::vector<std::string>& notes, std::ostream& err) {
  for (const std::string& note : notes) err << "note   " << printable_message(note) << "\n";
  err << std::flush;
}

}  // namespace lockstep::cli
