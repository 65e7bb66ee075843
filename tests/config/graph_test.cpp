#include <gtest/gtest.h>

#include "config/small_catalogue.hpp"
#include "lockstep/config/show.hpp"

// `from`: the layers as a graph.

namespace lockstep::config {
namespace {

// The minimal configuration with one more layer "b", line 14 on, and what comes behind it.
std::string graph(const std::string& from, const std::string& more = {}) {
  return minimal("[[layer]]\ntype = \"relu\"\nname = \"b\"\nfrom = " + from + "\n" + more);
}

TEST(Graph, NamesAreRead) {
  const Config config = parse_text(graph("[\"input\", \"linear\"]"));
  EXPECT_EQ(config.layers[1].texts("from"), (std::vector<std::string>{"input", "linear"}));
  EXPECT_FALSE(config.layers[0].has("from"));
  const Config set = parse_text(graph("[\"linear\"]"), {{"layer.b.from=[\"input\",\"linear\"]"}});
  EXPECT_EQ(set.layers[1].texts("from"), (std::vector<std::string>{"input", "linear"}));
}

TEST(Graph, IsWrittenAndReadBack) {
  const Catalogue catalogue = small_catalogue();
  const std::string text = identity(parse_text(graph("[\"input\", \"linear\"]")), catalogue);
  EXPECT_NE(text.find("from = [\"input\", \"linear\"]\n"), std::string::npos) << text;
  EXPECT_EQ(identity(parse_text(text), catalogue), text);
  EXPECT_NE(explain(catalogue, "layer.from").find("list of texts, optional"), std::string::npos);
  EXPECT_NE(json_schema(catalogue).find("\"uniqueItems\": true"), std::string::npos);
}

struct GraphCase {
  std::string text;
  const char* expected;
};

TEST(Graph, ProblemsPointAtTheName) {
  const std::vector<GraphCase> cases{
      {graph("[\"input\", \"lineal\"]"),
       "mlp.toml:17:18: error: no layer is called 'lineal'\n"
       "   17 | from = [\"input\", \"lineal\"]\n"
       "      |                  ^~~~~~~~ did you mean 'linear'?"},
      {graph("[\"zzz\"]"), "known: input, linear"},
      {graph("[\"linear\", \"c\"]", "[[layer]]\ntype = \"relu\"\nname = \"c\"\n"),
       "17:19: error: layer 'c' comes later"},
      {graph("[\"linear\", \"b\"]"), "17:19: error: layer 'b' cannot take its own output"},
      {graph("[\"linear\", \"linear\"]"), "17:19: error: 'linear' is named twice"},
      {graph("[\"input\"]"),
       "mlp.toml:6:1: error: no layer takes the output of 'linear'\n"
       "    6 | [[layer]]\n"},
      {graph("[]"), "'from' must not be empty"},
      {graph("\"linear\""), "'from': expected list of strings, such as [\"a\", \"b\"], found"},
      {graph("[\"linear\", 3]"), "'from': expected list of strings, such as [\"a\", \"b\"], found"},
      {minimal("[[layer]]\ntype = \"relu\"\nname = \"input\"\n"),
       "error: no layer may be called 'input'"}};
  for (const GraphCase& one : cases) {
    const std::string message = refusal(one.text);
    EXPECT_NE(message.find(one.expected), std::string::npos) << message;
    EXPECT_NE(message.find("trainer: 1 error, nothing started"), std::string::npos) << message;
  }
  EXPECT_NE(refusal(minimal("[[layer]]\ntype = \"relu\"\n"), {{"layer.relu.from=[\"x\"]"}})
                .find("--set 'layer.relu.from=[\"x\"]': error: no layer is called 'x'"),
            std::string::npos);
}

}  // namespace
}  // namespace lockstep::config
