#include "fuzz/target.hpp"
#include "lockstep/config/parse.hpp"
#include "lockstep/config/show.hpp"
#include "lockstep/setup/catalogue.hpp"

namespace lockstep::fuzz {
namespace {

std::vector<std::string> seeds() { return {config::starter()}; }

// What it takes must come back from what is written of it.
bool accepts(const std::string& input) {
  return accepted([&] {
    const config::Config given = config::parse({"a.toml", input}, {}, catalogue());
    const std::string values = config::identity(given, catalogue());
    const config::Config again =
        config::parse({"resolved.toml", config::resolved(given, catalogue())}, {}, catalogue());
    if (config::identity(again, catalogue()) != values) throw std::logic_error("other values");
  });
}

}  // namespace

extern const Target kConfig{"config",
                            accepts,
                            seeds,
                            {"[",
                             "]",
                             "{",
                             "}",
                             "'''",
                             "\"\"\"",
                             "=",
                             ".",
                             "nan",
                             "-inf",
                             "1e99",
                             "[[layer]]\n",
                             "[run]\n",
                             "[[augment]]\n",
                             "\\u00",
                             "true",
                             "'5 steps'",
                             "1979-05-27",
                             "0x7fffffffffffffff",
                             "\t#"}};

}  // namespace lockstep::fuzz
