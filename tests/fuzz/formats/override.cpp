#include "fuzz/target.hpp"
#include "lockstep/config/parse.hpp"
#include "lockstep/config/show.hpp"
#include "lockstep/setup/catalogue.hpp"

namespace lockstep::fuzz {
namespace {

std::vector<std::string> seeds() {
  return {"optimizer.lr=0.1", "layer[0].out=64", "data.holdout=0.2", "run.name='a'",
          "checkpoint.every=5 steps"};
}

// An argument of --set.
bool accepts(const std::string& input) {
  static const config::Source file{"a.toml", config::starter()};
  return accepted([&] { (void)config::parse(file, {{{input}}}, catalogue()); });
}

}  // namespace

extern const Target kOverride{"override",
                              accepts,
                              seeds,
                              {"run.", "data.", "layer.", "layer[", "]", "[", "=", "'", "\"", "{",
                               "}", "nan", "inf", "1e99", "augment[0].", "[run]\n", "true"}};

}  // namespace lockstep::fuzz
