#include "cli/command.hpp"

namespace lockstep::cli {

std::vector<std::unique_ptr<Command>> commands() {
  std::vector<std::unique_ptr<Command>> all;
  all.push_back(train_command());
  all.push_back(launch_command());
  all.push_back(eval_command());
  all.push_back(predict_command());
  all.push_back(generate_command());
  all.push_back(inspect_command());
  all.push_back(export_command());
  all.push_back(import_command());
  all.push_back(scale_command());
  all.push_back(bench_command());
  all.push_back(verify_command());
  all.push_back(data_command());
  all.push_back(config_command());
  return all;
}

}  // namespace lockstep::cli
