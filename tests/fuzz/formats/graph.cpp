#include "fuzz/target.hpp"
#include "lockstep/nn/layers.hpp"
#include "lockstep/run/checkpoint.hpp"

namespace lockstep::fuzz {
namespace {

std::string graph() {
  Network network({.channels = 3});
  network.add(linear(4), "fc1");
  network.add(relu());
  return graph_of(network);
}

CheckpointInfo with_graph(const std::string& graph) {
  CheckpointInfo info;
  info.graph = graph;
  return info;
}

std::vector<std::string> seeds() { return {graph()}; }

// The description of a network in a checkpoint that is to be compared with that of the run.
bool accepts(const std::string& input) {
  static const CheckpointInfo run = with_graph(graph());
  const CheckpointInfo stored = with_graph(input);
  return accepted([&] {
    if (const std::string reason = stored.difference(run); !reason.empty()) {
      throw Error(ExitCode::bad_data, reason);
    }
  });
}

}  // namespace

extern const Target kGraph{"graph",
                           accepts,
                           seeds,
                           {"{}", "[]", "null", "\"name\":", "\"layers\":", "\"input\":", "1e400",
                            "[[[[[[[[[[[[[[[[", "true", "\"\\ud800\""}};

}  // namespace lockstep::fuzz
